"""The two lanes over one model, and the memory they share. Imports MLX: for the engine thread only."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sidecar.engine.lane import Ended, Lane
from sidecar.engine.loader import LoadedModel
from sidecar.engine.memory import PREFIX_SHARE
from sidecar.engine.request import RequestPriority
from sidecar.engine.row import Row

log = logging.getLogger(__name__)

HIGH, LOW = RequestPriority.HIGH, RequestPriority.LOW


class Lanes:
    """Lanes are opened when they are first needed and closed together: each restores the limit on wired memory that it
    found, so they close in the reverse order."""

    def __init__(self, model: LoadedModel) -> None:
        self.model = model
        self._open: dict[RequestPriority, Lane] = {}

    def __len__(self) -> int:
        return len(self._open)

    def get(self, priority: RequestPriority) -> Lane | None:
        return self._open.get(priority)

    def open(self, priority: RequestPriority) -> Lane:
        """The lane of that priority, a new one if there is none."""
        if priority not in self._open:
            room = self.model.memory.keys_and_values
            self._open[priority] = Lane(
                self.model,
                keeps="whole answers" if priority == HIGH else "what prompts share",
                prefix_bytes=room if priority == HIGH else room // PREFIX_SHARE,
                kv_bits=self.model.kv_bits[priority],
            )
        return self._open[priority]

    @property
    def rows(self) -> list[Row]:
        return [row for lane in self._open.values() for row in lane.rows.values()]

    def has_rows(self, priority: RequestPriority) -> bool:
        return bool(self._open.get(priority))

    def close(self, priority: RequestPriority) -> list[Row]:
        """Drops a lane; the next request gets a fresh one. Returns the rows it had."""
        lane = self._open.pop(priority)
        rows = list(lane.rows.values())
        try:
            lane.close()
        except Exception:  # its rows have to be told all the same
            log.exception("A lane could not be closed")
        return rows

    def close_all(self) -> list[Row]:
        """Drops the lanes. Returns the rows they had."""
        return [row for priority in reversed(list(self._open)) for row in self.close(priority)]

    def needed(self, row: Row) -> int:
        """Bytes that the engine may come to take with that one more row."""
        mine = row.request.priority
        lanes = self._open.items()
        return self.model.memory.fixed + sum(lane.needs(row if of == mine else None) for of, lane in lanes)

    def make_room(self, row: Row, *, put_off: Callable[[Ended], None] | None) -> bool:
        """Whether the row, whose lane is open, may be inserted within the memory budget. For a person's the rows of the
        background give up their place, one by one as `put_off` is told; without it they stay. Alone in the house any
        row may."""
        budget, lane = self.model.memory.budget, self.open(row.request.priority)
        for_person = row.request.priority == HIGH
        fits = self.needed(row) <= budget
        if not for_person and not fits and any(self._open.values()):
            self._shrink_chats(self.needed(row) - budget)
            fits = self.needed(row) <= budget
            if not fits:
                return False
        lane.begin(row)  # before anything of that is let go
        if not fits:
            self.shrink_prefixes(self.needed(row) - budget)
        low = self.get(LOW)
        while for_person and low and self.needed(row) > budget:
            if put_off is None:
                return False
            put_off(low.evict())
        return not for_person or not lane or self.needed(row) <= budget

    def _shrink_chats(self, by: int) -> None:
        """Lets go of what chats have left, the oldest first, but for the share that the batch has, too: the last chats
        go on from there."""
        if (high := self.get(HIGH)) is not None:
            least = self.model.memory.keys_and_values // PREFIX_SHARE
            high.prefixes.shrink(max(least, high.prefixes.nbytes - by))

    def shrink_prefixes(self, by: int) -> None:
        """Lets go of kept prefixes of that many bytes, if there are so many: the background's first."""
        for priority in sorted(self._open, reverse=True):
            prefixes = self._open[priority].prefixes
            before = prefixes.nbytes
            prefixes.shrink(max(0, before - by))
            by = max(0, by - (before - prefixes.nbytes))
