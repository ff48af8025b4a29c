"""Requests that wait for the engine: those of people first, of these the app's own, else in the order they came."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.engine.request import Job, ModelFolder, Rank, RequestPriority
from sidecar.engine.status import PriorityCounts

if TYPE_CHECKING:  # it imports MLX
    from sidecar.engine.row import Row

OWN: Rank = (RequestPriority.HIGH, False)
OTHERS: Rank = (RequestPriority.HIGH, True)
BATCH: Rank = (RequestPriority.LOW, False)
RANKS = (OWN, OTHERS, BATCH)


class Waiting:
    """A queue for each rank: of jobs, and before them of rows, which were begun but have no place now. A batch may
    be thousands: nothing here but `drain` and the iteration looks at all of them."""

    def __init__(self) -> None:
        self._queues = {rank: _Queue() for rank in RANKS}

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def __iter__(self) -> Iterator[Job | Row]:
        return itertools.chain.from_iterable(self._queues.values())

    @property
    def counts(self) -> PriorityCounts:
        """How many of each priority."""
        high, low = (sum(map(len, self._of(priority))) for priority in (RequestPriority.HIGH, RequestPriority.LOW))
        return PriorityCounts(high, low)

    @property
    def rows(self) -> Iterator[Row]:
        for queue in self._queues.values():
            yield from queue.rows.values()

    def add(self, job: Job) -> None:
        self._queues[job.request.rank].add(job)

    def put_first(self, waiting: Job | Row) -> None:
        """Before all others of its kind and rank."""
        self._queues[waiting.request.rank].put_first(waiting)

    def first(self, priority: RequestPriority, folder: ModelFolder | None = None) -> Job | Row | None:
        """The one whose turn it is, of all or of those for that model."""
        waiting = (queue.first(folder) for queue in self._of(priority))
        return next((first for first in waiting if first is not None), None)

    def remove(self, request_id: str) -> Job | Row | None:
        """The one that was waiting, if it was."""
        for queue in self._queues.values():
            if (waiting := queue.remove(request_id)) is not None:
                return waiting
        return None

    def drain(self) -> list[Job | Row]:
        """Removes all."""
        all_of_them = list(self)
        for rank in self._queues:
            self._queues[rank] = _Queue()
        return all_of_them

    def _of(self, priority: RequestPriority) -> list[_Queue]:
        return [queue for (of, _), queue in self._queues.items() if of == priority]


class _Queue:
    """Of one rank. Jobs lie by their model, each with its place among all."""

    def __init__(self) -> None:
        self.rows: OrderedDict[str, Row] = OrderedDict()
        self._jobs: dict[Path, OrderedDict[str, tuple[int, Job]]] = {}
        self._last, self._before = itertools.count(), itertools.count(-1, -1)

    def __len__(self) -> int:
        return len(self.rows) + sum(map(len, self._jobs.values()))

    def __iter__(self) -> Iterator[Job | Row]:
        yield from self.rows.values()
        places = sorted((place for jobs in self._jobs.values() for place in jobs.values()), key=lambda place: place[0])
        yield from (job for _, job in places)

    def add(self, job: Job) -> None:
        self._of(job)[job.request.request_id] = next(self._last), job

    def put_first(self, waiting: Job | Row) -> None:
        request_id = waiting.request.request_id
        if isinstance(waiting, Job):
            self._of(waiting)[request_id] = next(self._before), waiting
            self._of(waiting).move_to_end(request_id, last=False)
        else:
            self.rows[request_id] = waiting
            self.rows.move_to_end(request_id, last=False)

    def first(self, folder: ModelFolder | None) -> Job | Row | None:
        for row in self.rows.values():
            if folder is None or row.folder.path == folder.path:
                return row
        paths = self._jobs if folder is None else self._jobs.keys() & {folder.path}
        heads = (next(iter(self._jobs[path].values())) for path in paths)
        first = min(heads, key=lambda place: place[0], default=None)
        return first[1] if first else None

    def remove(self, request_id: str) -> Job | Row | None:
        if (row := self.rows.pop(request_id, None)) is not None:
            return row
        for path, jobs in self._jobs.items():
            if (place := jobs.pop(request_id, None)) is not None:
                if not jobs:
                    del self._jobs[path]
                return place[1]
        return None

    def _of(self, job: Job) -> OrderedDict[str, tuple[int, Job]]:
        return self._jobs.setdefault(job.folder.path, OrderedDict())
