"""What a benchmark reports, and how it is printed: one JSON object a line, or a table."""

from __future__ import annotations

import json
import operator
import re
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_GOAL = re.compile(r"(ratio )?([<>]=?) ([0-9.]+)")
_MEETS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class Peer:
    """Who the figure is compared with, and what the same measurement gave there in the same run."""

    name: str
    value: float


@dataclass(frozen=True)
class Figure:
    """One measured value. `value` is None where it could not be measured, and `note` then says why; a figure is never
    made up. `goal` is what is aimed at, in words of the table ("< 100")."""

    metric: str
    value: float | None
    unit: str
    peer: Peer | None = None
    goal: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's."""
        return self.value / self.peer.value if self.value is not None and self.peer and self.peer.value else None

    @property
    def misses_goal(self) -> bool:
        """Whether the goal is plain ("ratio >= 0.8", "< 100"), so that it can be told here, and is not met."""
        goal = _GOAL.fullmatch(self.goal)
        value = self.ratio if goal and goal[1] else self.value
        return goal is not None and value is not None and not _MEETS[goal[2]](value, float(goal[3]))


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
        self._bench = bench
        self._about = {"geometry": geometry, "device": device, "versions": dict(versions)}
        self._as_json = as_json
        if not as_json:
            print(f"{bench}, {geometry}, on {device}; {', '.join(f'{k} {v}' for k, v in versions.items())}")

    def print(self, figure: Figure) -> None:
        print(self._json(figure) if self._as_json else self._row(figure))
        sys.stdout.flush()

    def _json(self, figure: Figure) -> str:
        line = {
            "bench": self._bench,
            "metric": figure.metric,
            "value": _rounded(figure.value),
            "unit": figure.unit,
            "peer": figure.peer and {"name": figure.peer.name, "value": _rounded(figure.peer.value)},
            "ratio": _rounded(figure.ratio),
        }
        missed = {"missed": figure.goal} if figure.misses_goal else {}
        return json.dumps(line | self._about | missed | ({"note": figure.note} if figure.note else {}))

    def _row(self, figure: Figure) -> str:
        value = "skipped" if figure.value is None else f"{_rounded(figure.value):g} {figure.unit}".rstrip()
        row = f"  {figure.metric:34} {value:>16}"
        if figure.goal:
            row += f"   (goal {figure.goal}{', MISSED' if figure.misses_goal else ''})"
        if figure.peer:
            row += f"   {figure.peer.name}: {_rounded(figure.peer.value):g}, ratio {_rounded(figure.ratio)}"
        return row + (f"   {figure.note}" if figure.note else "")


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
