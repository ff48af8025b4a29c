"""Every benchmark runs through. What it measures is no test's business."""

from __future__ import annotations

import importlib
import math

import pytest

from tests.bench.__main__ import BENCHMARKS
from tests.bench.setting import Setting


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_runs_and_gives_each_figure_a_value_or_the_reason_why_not(name: str, setting: Setting) -> None:
    figures = list(importlib.import_module(f"tests.bench.{name.replace('-', '_')}").run(setting))
    assert figures
    assert len({figure.metric for figure in figures}) == len(figures)
    for figure in figures:
        assert figure.note if figure.value is None else math.isfinite(figure.value), figure
