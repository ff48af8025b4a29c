"""How much the background may do at a time, from how long it took."""

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


class ChunkLimit:
    """How many positions of a prompt are read in one step: a layer of them is a stretch, too. The computation is cut at
    every layer, so only slow computers need less than `most`."""

    LEAST = 32  # fewer make no shorter stretches: the weights are read anyway

    def __init__(self, most: int, seconds: float = STRETCH_SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        self._per_token: float | None = None

    def measured(self, tokens: int, stretch: float) -> None:
        """The longest layer of a chunk of `tokens` positions took `stretch` seconds."""
        per_token, known = stretch / tokens, self._per_token
        self._per_token = per_token if known is None else known + SMOOTHING * (per_token - known)

    @property
    def tokens(self) -> int:
        """Multiples of `LEAST`; at first a quarter of the most."""
        allowed = self._most // 4 if self._per_token is None else int(self._seconds / self._per_token)
        return max(self.LEAST, min(self._most, allowed // self.LEAST * self.LEAST))
