"""Requests that wait for the engine: those of people first, within a priority in the order they came."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sidecar.engine.request import Job, RequestPriority

if TYPE_CHECKING:  # it imports MLX
    from sidecar.engine.row import Row


class Waiting:
    """A queue for each priority: of jobs, and before them of rows, which were begun but have no place now."""

    def __init__(self) -> None:
        self._queues: dict[RequestPriority, deque[Job | Row]] = {priority: deque() for priority in RequestPriority}

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def __iter__(self) -> Iterator[Job | Row]:
        for priority in sorted(self._queues):
            yield from self._queues[priority]

    def add(self, job: Job) -> None:
        self._queues[job.request.priority].append(job)

    def put_first(self, row: Row) -> None:
        """Before all others of its priority."""
        self._queues[row.request.priority].appendleft(row)

    def first(self, priority: RequestPriority) -> Job | Row | None:
        """The one whose turn it is."""
        queue = self._queues[priority]
        return queue[0] if queue else None

    @property
    def rows(self) -> Iterator[Row]:
        return (waiting for waiting in self if not isinstance(waiting, Job))

    def take(self, priority: RequestPriority) -> Job | Row:
        """Removes the one whose turn it is."""
        return self._queues[priority].popleft()

    def remove(self, request_id: str) -> bool:
        """True if it was waiting."""
        for waiting in self:
            if waiting.request.request_id == request_id:
                self._queues[waiting.request.priority].remove(waiting)
                return True
        return False

    def drain(self) -> list[Job | Row]:
        """Removes all."""
        all_of_them = list(self)
        for queue in self._queues.values():
            queue.clear()
        return all_of_them
