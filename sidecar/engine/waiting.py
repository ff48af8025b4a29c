"""Requests that wait for the engine: those of people first, within a priority in the order they came."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sidecar.engine.request import Job, RequestPriority
from sidecar.engine.status import PriorityCounts

if TYPE_CHECKING:  # it imports MLX
    from sidecar.engine.row import Row


class Waiting:
    """A queue for each priority: of jobs, and before them of rows, which were begun but have no place now. A batch may
    be thousands: nothing here but `drain` and the iteration looks at all of them."""

    def __init__(self) -> None:
        self._queues: dict[RequestPriority, OrderedDict[str, Job | Row]] = {
            priority: OrderedDict() for priority in sorted(RequestPriority)
        }

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def __iter__(self) -> Iterator[Job | Row]:
        return itertools.chain.from_iterable(queue.values() for queue in self._queues.values())

    @property
    def counts(self) -> PriorityCounts:
        """How many of each priority."""
        return PriorityCounts(*(len(self._queues[of]) for of in (RequestPriority.HIGH, RequestPriority.LOW)))

    def add(self, job: Job) -> None:
        self._queues[job.request.priority][job.request.request_id] = job

    def put_first(self, row: Row) -> None:
        """Before all others of its priority."""
        queue, request_id = self._queues[row.request.priority], row.request.request_id
        queue[request_id] = row
        queue.move_to_end(request_id, last=False)

    def first(self, priority: RequestPriority) -> Job | Row | None:
        """The one whose turn it is."""
        return next(iter(self._queues[priority].values()), None)

    @property
    def rows(self) -> Iterator[Row]:
        for queue in self._queues.values():
            for waiting in queue.values():
                if isinstance(waiting, Job):
                    break
                yield waiting

    def take(self, priority: RequestPriority) -> Job | Row:
        """Removes the one whose turn it is."""
        return self._queues[priority].popitem(last=False)[1]

    def remove(self, request_id: str) -> Job | Row | None:
        """The one that was waiting, if it was."""
        for queue in self._queues.values():
            if (waiting := queue.pop(request_id, None)) is not None:
                return waiting
        return None

    def drain(self) -> list[Job | Row]:
        """Removes all."""
        all_of_them = list(self)
        for queue in self._queues.values():
            queue.clear()
        return all_of_them
