"""How many rows the background lane may have, from how long its steps took."""

from __future__ import annotations

STRETCH_SECONDS = 0.05  # of background work that a person's request may have to wait for
SMOOTHING = 0.25  # of the newest measurement in the running mean


class RowLimit:
    """A step of more rows makes more tokens a second, and whoever waits for its end waits longer."""

    def __init__(self, most: int, seconds: float = STRETCH_SECONDS) -> None:
        """`seconds` is how long a stretch without a boundary may take, where one row allows."""
        self._most = most
        self._seconds = seconds
        self._measured: dict[int, float] = {}

    def measured(self, rows: int, stretch: float) -> None:
        """A step of `rows` rows computed for `stretch` seconds without a boundary."""
        known = self._measured.get(rows)
        self._measured[rows] = stretch if known is None else known + SMOOTHING * (stretch - known)

    @property
    def rows(self) -> int:
        """At least one. A number never tried counts in proportion to the next smaller one that was, so that each new
        row is tried with the room it would need at worst."""
        allowed = 1
        for rows in range(2, self._most + 1):
            if self._estimate(rows) > self._seconds:
                break
            allowed = rows
        return allowed

    def _estimate(self, rows: int) -> float:
        if rows in self._measured:
            return self._measured[rows]
        smaller = max((tried for tried in self._measured if tried < rows), default=None)
        return 0.0 if smaller is None else self._measured[smaller] * rows / smaller
