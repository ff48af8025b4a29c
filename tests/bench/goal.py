"""What a figure is aimed at: a bound, and where it holds."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Literal

_MEETS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_KINDS = {"cpu": ("cpu",), "cuda": ("cuda",), "gpu": ("cuda", "metal")}


@dataclass(frozen=True)
class Goal:
    """`of` is what the bound is for: the value, its ratio to the peer's, or the points that it lies above the peer's.
    `device` and `geometry` are where it holds: everywhere by default."""

    sign: Literal["<", "<=", ">", ">="]
    bound: float
    of: Literal["value", "ratio", "points"] = "value"
    device: Literal["cpu", "gpu", "cuda"] | None = None
    geometry: str | None = None

    def holds_for(self, device: str, geometry: str) -> bool:
        """`device` is the kind: cpu, cuda or metal."""
        return (self.device is None or device in _KINDS[self.device]) and self.geometry in (None, geometry)

    def is_missed(self, value: float, peer: float | None = None, ratio: float | None = None) -> bool:
        """False too without the peer that it needs, or the ratio to it."""
        points = None if peer is None else value - peer
        judged = {"value": value, "ratio": ratio, "points": points}[self.of]
        return judged is not None and not _MEETS[self.sign](judged, self.bound)

    def __str__(self) -> str:
        if self.of == "points":
            return f"{self.sign} peer {self.bound:+g}"
        return f"{'ratio ' if self.of == 'ratio' else ''}{self.sign} {self.bound:g}"
