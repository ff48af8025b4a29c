"""How figures are printed."""

from __future__ import annotations

import json

import pytest

from tests.bench.figure import Figure, Peer, Report, p99, skipped


def test_a_figure_is_one_line_of_json_with_all_its_members(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("decode", "mini", "cpu", {"mlx": "1"}, as_json=True)
    report.print(Figure("tokens_per_s", 20.0, "tokens/s", Peer("stream_generate", 25.0)))
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "bench": "decode",
        "metric": "tokens_per_s",
        "value": 20.0,
        "unit": "tokens/s",
        "peer": {"name": "stream_generate", "value": 25.0},
        "ratio": 0.8,
        "geometry": "mini",
        "device": "cpu",
        "versions": {"mlx": "1"},
    }


def test_what_could_not_be_measured_has_no_value_but_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    figure = skipped("queue_wait_p99", "ms", "the engine does not tell")
    Report("priority", "mini", "cpu", {}, as_json=True).print(figure)
    line = json.loads(capsys.readouterr().out)
    assert line["value"] is None
    assert line["note"] == "the engine does not tell"


def test_the_table_names_metric_value_goal_and_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("decode", "mini", "cpu", {"mlx": "1"}, as_json=False)
    report.print(Figure("tokens_per_s", 20.0, "tokens/s", Peer("bare", 25.0), goal=">= 0.97"))
    head, row = capsys.readouterr().out.splitlines()
    assert "decode, mini, on cpu; mlx 1" in head
    assert " ".join(row.split()) == "tokens_per_s 20 tokens/s (goal >= 0.97) bare: 25, ratio 0.8"


@pytest.mark.parametrize(
    ("value", "goal", "misses"),
    [
        (15.0, "ratio >= 0.8", True),
        (16.0, "ratio >= 0.8", False),
        (15.0, "< 15", True),
        (15.0, "<= 15", False),
        (15.0, "", False),
        (15.0, "< 10 with 4b on a GPU", False),
        (None, "< 10", False),
    ],
)
def test_a_figure_that_misses_its_goal_is_marked(
    value: float | None, goal: str, misses: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    for as_json in (False, True):
        report = Report("download", "mini", "cpu", {}, as_json=as_json)
        report.print(Figure("throughput", value, "MB/s", Peer("curl", 20.0), goal=goal))
    row, line = capsys.readouterr().out.splitlines()[1:]
    assert (", MISSED)" in row) == misses
    assert json.loads(line).get("missed") == (goal if misses else None)


def test_the_99th_percentile_leaves_one_in_a_hundred_above_it() -> None:
    assert p99([float(value) for value in range(101)]) == 99
    assert p99([5.0]) == 5.0
