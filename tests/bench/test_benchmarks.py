"""Every benchmark runs through. What it measures is no test's business."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys

import pytest

from tests.bench import machine
from tests.bench.__main__ import BENCHMARKS
from tests.bench.setting import Setting
from tests.pipe import ROOT


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_runs_and_gives_each_figure_a_value_or_the_reason_why_not(name: str, setting: Setting) -> None:
    figures = list(importlib.import_module(f"tests.bench.{name.replace('-', '_')}").run(setting))
    assert figures
    assert len({figure.metric for figure in figures}) == len(figures)
    for figure in figures:
        assert figure.note if figure.value is None else math.isfinite(figure.value), figure


def test_each_line_says_what_it_was_measured_on() -> None:
    command = [sys.executable, "-m", "tests.bench", "memory", "--json", "--quick", "--no-peer", "--geometry", "tiny"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True).stdout

    lines = [json.loads(line) for line in printed.splitlines()]
    assert [line["metric"] for line in lines] == ["peak_gb_2k", "estimate_over_measured_2k"]
    for line in lines:
        assert line.keys() >= {"bench", "metric", "value", "unit", "peer", "ratio", "device", "versions"}
        assert line["device"] == machine.device()
        assert line["versions"].keys() >= {"mlx", "mlx-vlm", "commit"}
