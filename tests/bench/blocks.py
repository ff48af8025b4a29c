"""Measurements in pairs: a shared machine drifts, and what is compared must drift together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


def alternate(sides: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Measures each side once a round, in an order that turns round every time, after one round that does not count
    (first calls load, compile and allocate)."""
    for measure in sides.values():
        measure()
    results: dict[str, list[T]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name in list(sides)[:: 1 if turn % 2 == 0 else -1]:
            results[name].append(sides[name]())
    return results
