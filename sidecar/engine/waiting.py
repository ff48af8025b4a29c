"""Requests that wait for the engine: those of people first, within a priority in the order they came."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from sidecar.engine.request import Job, RequestPriority


class Waiting:
    """A queue for each priority."""

    def __init__(self) -> None:
        self._queues: dict[RequestPriority, deque[Job]] = {priority: deque() for priority in RequestPriority}

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def __iter__(self) -> Iterator[Job]:
        for priority in sorted(self._queues):
            yield from self._queues[priority]

    def add(self, job: Job) -> None:
        self._queues[job.request.priority].append(job)

    def first(self, priority: RequestPriority) -> Job | None:
        """The one whose turn it is."""
        queue = self._queues[priority]
        return queue[0] if queue else None

    def take(self, priority: RequestPriority) -> Job:
        """Removes the one whose turn it is."""
        return self._queues[priority].popleft()

    def remove(self, request_id: str) -> bool:
        """True if it was waiting."""
        for job in self:
            if job.request.request_id == request_id:
                self._queues[job.request.priority].remove(job)
                return True
        return False

    def drain(self) -> list[Job]:
        """Removes all."""
        jobs = list(self)
        for queue in self._queues.values():
            queue.clear()
        return jobs
