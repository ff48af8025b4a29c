"""What a benchmark reports, and how it is printed: one JSON object a line, or a table."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.goal import Goal


@dataclass(frozen=True)
class Peer:
    """Who the figure is compared with, and what the same measurement gave there in the same run. `ratio`, ours over
    theirs, where it is known better than from the two values."""

    name: str
    value: float
    ratio: float | None = None

    @classmethod
    def in_pairs(cls, name: str, ours: Sequence[float], theirs: Sequence[float]) -> Peer:
        """Of measurements that took turns (`blocks.alternate`): the ratio is the median of the pairs' own. A machine
        whose pace changes from one pair to the next moves both medians, by chance not alike, and no pair's ratio."""
        pairs = zip(ours, theirs, strict=True)
        return cls(name, median(theirs), median([of_ours / of_theirs for of_ours, of_theirs in pairs]))


@dataclass(frozen=True)
class Figure:
    """One measured value. `value` is None where it could not be measured, and `note` then says why; a figure is never
    made up. Of its `goals` at most one holds on each device and geometry. `geometry` is the model's where it is another
    than the benchmark was asked for."""

    metric: str
    value: float | None
    unit: str
    peer: Peer | None = None
    goals: tuple[Goal, ...] = ()
    note: str = ""
    geometry: str | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's."""
        if self.value is None or self.peer is None:
            return None
        if self.peer.ratio is not None:
            return self.peer.ratio
        return self.value / self.peer.value if self.peer.value else None


def skipped(metric: str, unit: str, why: str) -> Figure:
    """A figure that cannot be measured here."""
    return Figure(metric, None, unit, note=why)


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def p99(values: Sequence[float]) -> float:
    """The 99th percentile, interpolated; of one value, that value."""
    return statistics.quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]


class Report:
    """Prints figures as they come."""

    def __init__(self, bench: str, geometry: str, device: str, versions: Mapping[str, str], *, as_json: bool) -> None:
        """`device` begins with its kind and a comma: cpu, cuda or metal."""
        self._bench = bench
        self._geometry = geometry
        self._about = {"device": device, "versions": dict(versions)}
        self._kind = device.partition(",")[0]
        self._as_json = as_json
        if not as_json:
            print(f"{bench}, {geometry}, on {device}; {', '.join(f'{k} {v}' for k, v in versions.items())}")

    def print(self, figure: Figure) -> None:
        print(self._json(figure) if self._as_json else self._row(figure))
        sys.stdout.flush()

    def _goal(self, figure: Figure) -> tuple[Goal | None, bool]:
        """The goal that holds here, and whether it is missed."""
        geometry = figure.geometry or self._geometry
        goal = next((goal for goal in figure.goals if goal.holds_for(self._kind, geometry)), None)
        if goal is None or figure.value is None:
            return goal, False
        return goal, goal.is_missed(figure.value, figure.peer.value if figure.peer else None, figure.ratio)

    def _json(self, figure: Figure) -> str:
        line = {
            "bench": self._bench,
            "metric": figure.metric,
            "value": _rounded(figure.value),
            "unit": figure.unit,
            "peer": figure.peer and {"name": figure.peer.name, "value": _rounded(figure.peer.value)},
            "ratio": _rounded(figure.ratio),
            "geometry": figure.geometry or self._geometry,
        }
        goal, misses = self._goal(figure)
        missed = {"missed": str(goal)} if misses else {}
        return json.dumps(line | self._about | missed | ({"note": figure.note} if figure.note else {}))

    def _row(self, figure: Figure) -> str:
        value = "skipped" if figure.value is None else f"{_rounded(figure.value):g} {figure.unit}".rstrip()
        row = f"  {figure.metric:34} {value:>16}"
        goal, misses = self._goal(figure)
        if goal:
            row += f"   (goal {goal}{', MISSED' if misses else ''})"
        if figure.peer:
            row += f"   {figure.peer.name}: {_rounded(figure.peer.value):g}, ratio {_rounded(figure.ratio)}"
        return row + (f"   {figure.note}" if figure.note else "")


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
