"""Benchmarks of the shell where it can be built, and where not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.bench import proxy, restart, shell
from tests.bench.figure import Figure
from tests.bench.repository import Repository
from tests.bench.setting import Benchmark, Setting


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting("tiny", cast("Repository", None), tmp_path, quick=True)


@pytest.mark.parametrize(("benchmark", "figures"), [(proxy.run, proxy.FIGURES), (restart.run, restart.FIGURES)])
def test_without_the_program_each_figure_is_skipped_and_says_why(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, benchmark: Benchmark, figures: dict[str, str]
) -> None:
    monkeypatch.setattr(shell, "DEBUG", "false")
    told = list(benchmark(setting))
    assert {figure.metric: figure.unit for figure in told} == figures
    assert {(figure.value, figure.note) for figure in told} == {(None, "the shell's example cannot be built")}


def test_what_is_measured_is_the_program_that_was_built(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(_setting: Setting, program: Path) -> Iterator[Figure]:
        yield Figure(program.name, 1, "s")

    monkeypatch.setattr(shell, "DEBUG", "true")
    assert list(shell.measured(setting, {"other": "s"}, measure)) == [Figure("serve", 1, "s")]
