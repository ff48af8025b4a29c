"""How much the background computes at a time, and how long others had to wait for it. For the engine thread only."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from sidecar.engine.status import p99_ms
from sidecar.engine.step_limits import ChunkLimit, RowLimit

if TYPE_CHECKING:  # they import MLX
    from sidecar.engine.boundary import Boundary
    from sidecar.engine.lane import Ended, Lane

RECENT_STRETCHES = 1000  # the longest of which are told


class Pace:
    """Learns from each step of the background's lane what the next may be."""

    def __init__(self) -> None:
        self._row_limit, self._chunk_limit = RowLimit(1), ChunkLimit(1)
        self.went_too_far = False
        """Whether the last step was the first of so many rows and took longer than one may: a row is to leave."""
        self._stretches: deque[float] = deque(maxlen=RECENT_STRETCHES)

    def begin(self, *, most_rows: int, most_read: int) -> None:
        """A lane was opened, and nothing is known of it."""
        self._row_limit, self._chunk_limit = RowLimit(most_rows), ChunkLimit(most_read)

    @property
    def rows(self) -> int:
        """How many the lane may have."""
        return self._row_limit.rows

    @property
    def p99_ms(self) -> float | None:
        """What the longest of the last stretches took."""
        return p99_ms(self._stretches)

    def computed(self, boundary: Boundary) -> None:
        """What `boundary` has just stood within is over."""
        self._stretches.append(boundary.longest_stretch)

    def step(self, lane: Lane, boundary: Boundary, give_way: Callable[[], bool]) -> list[Ended]:
        """The lane's next one, in which boundaries call `give_way`."""
        drawing, reads_prompt, chunk = lane.drawing, lane.reads_prompt, self._chunk_limit.tokens
        lane.read_at_most(chunk)
        with boundary.background(give_way):
            ended = lane.step()
            lane.settle()
        self.computed(boundary)
        # A prompt that is read is cut at boundaries of its own.
        drew = boundary.drawn if reads_prompt else boundary.longest_stretch
        self.went_too_far = bool(drawing and drew) and self._row_limit.measured(drawing, drew)
        stretch, read = boundary.longest_read
        if read >= chunk // 2:  # a few positions take as long as some more
            self._chunk_limit.measured(read, stretch)
        return ended
