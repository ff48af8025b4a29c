"""Places inside a long computation at which a person's request may go first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Boundary:
    """Stands between the blocks of the model's two towers.

    A block calls `passed` once what it computed is there and nothing is under way on the device, with `ahead` nothing
    but one block. Inside `background` that hands the engine thread over to whoever waits; what is computed meanwhile is
    not cut itself. So a request of high priority waits for a block or two of the batch's work, not for a picture or a
    chunk of a prompt.
    """

    def __init__(
        self, *, every_token: bool = False, ahead: bool = False, heartbeat: Callable[[], None] = lambda: None
    ) -> None:
        """`every_token`: blocks of single tokens are boundaries, too. Right where it costs nothing to compute block by
        block, as on a CPU; on a GPU the wait for each block would take longer than the block. `ahead`: blocks of
        prompts are computed while the next is built. `heartbeat` is called at each boundary."""
        self._every_token = every_token
        self.ahead = ahead
        self._heartbeat = heartbeat
        self._give_way: Callable[[], bool] | None = None
        self._last = 0.0
        self._before = 0.0
        self._longest = 0.0
        self._reads = 0
        self._longest_read: tuple[float, int] = (0.0, 0)
        self._drawn = 0.0

    @property
    def cuts_single_tokens(self) -> bool:
        """Whether a block of one token for each row has to be computed before the next is built."""
        return self._every_token and self._give_way is not None

    def passed(self, *, read: int = 0, drawn: bool = False) -> bool:
        """Whoever waits may compute now. `read`: it was a layer, of so many positions of a prompt; `drawn`: it was the
        end of the rows' step, and a chunk of a prompt follows. False: the prompt's row is to leave, and what is left of
        its chunk is for nothing."""
        self._heartbeat()
        if self._give_way is None:
            return True
        stretch = self._measure()
        if read:
            self._reads += 1
            # Ahead, the first two also waited for what was under way before them: the other rows' step.
            if self._reads > 2 or not self.ahead:
                self._longest_read = max(self._longest_read, (stretch, read))
        if drawn:
            self._drawn = self._longest
        give_way, self._give_way = self._give_way, None
        try:
            return give_way()
        finally:
            self._give_way = give_way
            self._last = time.perf_counter()

    @contextmanager
    def background(self, give_way: Callable[[], bool]) -> Iterator[None]:
        """Boundaries within call `give_way`, which says whether a prompt that is read keeps its place."""
        self._give_way = give_way
        self._longest, self._drawn = 0.0, 0.0
        self._reads, self._longest_read = 0, (0.0, 0)
        self._before, self._last = 0.0, time.perf_counter()
        try:
            yield
        finally:
            self._measure()
            self._give_way = None

    @property
    def longest_stretch(self) -> float:
        """Seconds: the longest that somebody who came during the last `background` had to wait for it."""
        return self._longest

    @property
    def longest_read(self) -> tuple[float, int]:
        """Of the layers of prompts among them: seconds of the longest, and of how many positions; zeros if none was."""
        return self._longest_read

    @property
    def drawn(self) -> float:
        """Seconds of the longest stretch of the rows' step before a chunk; zero if the two were not cut apart."""
        return self._drawn

    def _measure(self) -> float:
        stretch = time.perf_counter() - self._last
        under_way, self._before = (self._before, stretch) if self.ahead else (0.0, 0.0)
        self._longest = max(self._longest, under_way + stretch)
        return under_way + stretch
