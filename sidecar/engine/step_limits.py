"""How much the background may do at a time, from how long it took."""

from __future__ import annotations

STRETCH_SECONDS = 0.04  # of background work that a person may have to wait for: so the longest stay below 50 ms
SMOOTHING = 0.25  # of the newest measurement in the running mean
# That a stretch is expected to be longer than its mean: of a prompt's layers the longest of many counts.
ROW_DEVIATIONS, LAYER_DEVIATIONS = 2.0, 3.0
OUTLIER = 2.0  # times the mean; what took longer was held up by something else
# Of what is known about a number of rows, kept at each step of fewer. So that one bad moment does not rule a number out
# for good, and one that is too slow is tried again so seldom that it is no more than one step in a hundred.
KEPT_OF_DEVIATION, KEPT_OF_MEAN = 0.98, 0.9997


class Expected:
    """What a measurement will hardly exceed: its running mean and so many times its running mean deviation, as TCP
    expects a round trip (RFC 6298, there four times). The mean alone is exceeded by every other one."""

    def __init__(self, first: float, deviations: float) -> None:
        self._deviations = deviations
        self._mean = first
        self._deviation = 0.0

    def measured(self, value: float) -> None:
        value = min(value, OUTLIER * self._mean)
        self._deviation += SMOOTHING * (abs(value - self._mean) - self._deviation)
        self._mean += SMOOTHING * (value - self._mean)

    def fade(self) -> None:
        """It was not measured for one step more."""
        self._deviation *= KEPT_OF_DEVIATION
        self._mean *= KEPT_OF_MEAN

    @property
    def most(self) -> float:
        return self.times(1.0)

    def times(self, more: float) -> float:
        """What so many times the work will hardly exceed: it takes as much longer, and what disturbs it does not."""
        return more * self._mean + self._deviations * self._deviation


class RowLimit:
    """A step of more rows makes more tokens a second, and whoever waits for its end waits longer."""

    def __init__(self, most: int, seconds: float = STRETCH_SECONDS) -> None:
        """`seconds` is how long a stretch without a boundary may take, where one row allows."""
        self._most = most
        self._seconds = seconds
        self._measured: dict[int, Expected] = {}

    def measured(self, rows: int, stretch: float) -> bool:
        """A step of `rows` rows computed for `stretch` seconds without a boundary. True if it was the first of so many,
        more than one, and took too long."""
        is_first = rows not in self._measured
        if known := self._measured.get(rows):
            known.measured(stretch)
        else:
            self._measured[rows] = Expected(stretch, ROW_DEVIATIONS)
        for more, expected in self._measured.items():
            if more > rows:
                expected.fade()
        return is_first and rows > 1 and stretch > self._seconds

    @property
    def rows(self) -> int:
        """At least one. A number never tried counts in proportion to the next smaller one that was. But one more than
        ever was tried is tried: where memory's speed is the limit, as on a small Mac, a second row costs next to
        nothing, and the first one more than half of what is allowed."""
        allowed = 1
        for rows in range(2, self._most + 1):
            is_new = rows - 1 in self._measured and max(self._measured) < rows
            if self._estimate(rows) > self._seconds and not is_new:
                break
            allowed = rows
        return allowed

    def _estimate(self, rows: int) -> float:
        if rows in self._measured:
            return self._measured[rows].most
        smaller = max((tried for tried in self._measured if tried < rows), default=None)
        return 0.0 if smaller is None else self._measured[smaller].times(rows / smaller)


class ChunkLimit:
    """How many positions of a prompt are read in one step: a layer of them is a stretch, too. The computation is cut at
    every layer, so only slow computers need less than `most`."""

    LEAST = 32  # fewer make no shorter stretches: the weights are read anyway

    def __init__(self, most: int, seconds: float = STRETCH_SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        self._per_token: Expected | None = None

    def measured(self, tokens: int, stretch: float) -> None:
        """The longest layer of a chunk of `tokens` positions took `stretch` seconds."""
        if self._per_token is None:
            self._per_token = Expected(stretch / tokens, LAYER_DEVIATIONS)
        else:
            self._per_token.measured(stretch / tokens)

    @property
    def tokens(self) -> int:
        """Multiples of `LEAST`; at first a quarter of the most."""
        allowed = self._most // 4 if self._per_token is None else int(self._seconds / self._per_token.most)
        return max(self.LEAST, min(self._most, allowed // self.LEAST * self.LEAST))
