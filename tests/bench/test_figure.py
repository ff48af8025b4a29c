"""How figures are printed."""

from __future__ import annotations

import json

import pytest

from tests.bench.figure import Figure, Peer, Report, p99, skipped
from tests.bench.goal import Goal


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
    report = Report("decode", "mini", "cpu, a processor", {"mlx": "1"}, as_json=False)
    goals = Goal(">=", 0.7, "ratio", "cpu"), Goal(">=", 0.97, "ratio", "gpu")
    report.print(Figure("tokens_per_s", 20.0, "tokens/s", Peer("bare", 25.0), goals))
    head, row = capsys.readouterr().out.splitlines()
    assert "decode, mini, on cpu, a processor; mlx 1" in head
    assert " ".join(row.split()) == "tokens_per_s 20 tokens/s (goal ratio >= 0.7) bare: 25, ratio 0.8"


def test_a_figure_of_another_model_than_was_asked_for_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    Report("quality", "mini", "cpu", {}, as_json=True).print(Figure("score", 90.0, "%", geometry="demo model"))
    assert json.loads(capsys.readouterr().out)["geometry"] == "demo model"


CPU, CUDA, METAL = "cpu, a processor, 2 cores", "cuda, a GPU, 16 cores", "metal, a chip, 8 cores"


@pytest.mark.parametrize(
    ("value", "goal", "device", "geometry", "missed"),
    [
        (15.0, Goal(">=", 0.8, "ratio"), CPU, "mini", "ratio >= 0.8"),
        (16.0, Goal(">=", 0.8, "ratio"), CPU, "mini", None),
        (18.9, Goal(">=", -1, "points"), CUDA, "4b", ">= peer -1"),
        (19.0, Goal(">=", -1, "points"), CUDA, "4b", None),
        (15.0, Goal("<", 15), CPU, "mini", "< 15"),
        (15.0, Goal("<=", 15), CPU, "mini", None),
        (15.0, Goal(">", 15), METAL, "tiny", "> 15"),
        (15.1, Goal(">", 15), METAL, "tiny", None),
        (15.0, Goal("<", 10, device="cpu", geometry="mini"), CPU, "mini", "< 10"),
        (15.0, Goal("<", 10, device="cpu", geometry="mini"), CPU, "4b", None),
        (15.0, Goal("<", 10, device="cpu", geometry="mini"), CUDA, "mini", None),
        (15.0, Goal("<", 10, device="gpu", geometry="4b"), CUDA, "4b", "< 10"),
        (15.0, Goal("<", 10, device="gpu", geometry="4b"), METAL, "4b", "< 10"),
        (15.0, Goal("<", 10, device="gpu", geometry="4b"), CUDA, "mini", None),
        (15.0, Goal("<", 10, device="gpu", geometry="4b"), CPU, "4b", None),
        (15.0, Goal("<", 10, device="cuda"), CUDA, "4b", "< 10"),
        (15.0, Goal("<", 10, device="cuda"), METAL, "4b", None),
        (15.0, None, CPU, "mini", None),
        (None, Goal("<", 10), CPU, "mini", None),
    ],
)
def test_a_figure_that_misses_the_goal_of_its_device_and_geometry_is_marked(
    value: float | None,
    goal: Goal | None,
    device: str,
    geometry: str,
    missed: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for as_json in (False, True):
        report = Report("download", geometry, device, {}, as_json=as_json)
        report.print(Figure("throughput", value, "MB/s", Peer("curl", 20.0), (goal,) if goal else ()))
    row, line = capsys.readouterr().out.splitlines()[1:]
    assert (f"(goal {missed}, MISSED)" in row) == ("MISSED" in row) == (missed is not None)
    assert json.loads(line).get("missed") == missed


def test_a_goal_against_a_peer_that_did_not_run_is_not_judged(capsys: pytest.CaptureFixture[str]) -> None:
    for goal in (Goal(">=", 0.8, "ratio"), Goal(">=", -1, "points")):
        Report("quality", "mini", CPU, {}, as_json=True).print(Figure("score", 0.0, "%", goals=(goal,)))
        assert "missed" not in json.loads(capsys.readouterr().out)


def test_a_ratio_in_pairs_is_that_of_each_turn_however_the_machine_s_pace_changes_between_turns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    theirs = [10.0, 30.0, 10.0, 31.0, 11.0]
    ours = [1.1 * seconds for seconds in theirs[:3]] + [1.1 * 31, 2 * 11.0]  # one turn was disturbed
    peer = Peer.in_pairs("bare", ours, theirs)
    assert peer.value == 11
    figure = Figure("ms_per_token", 22.0, "ms", peer, (Goal("<=", 1.05, "ratio"),))
    Report("structured", "mini", CPU, {}, as_json=True).print(figure)
    line = json.loads(capsys.readouterr().out)
    assert line["ratio"] == 1.1
    assert line["missed"] == "ratio <= 1.05"


def test_the_99th_percentile_leaves_one_in_a_hundred_above_it() -> None:
    assert p99([float(value) for value in range(101)]) == 99
    assert p99([5.0]) == 5.0
