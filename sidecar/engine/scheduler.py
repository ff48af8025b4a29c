"""The engine thread: loads the model and runs it, for the life of the process.

MLX wants one thread: arrays left lazy by another one fail, and a thread that used MLX and ended may abort the
process's exit (both measured). So this one never ends. A process that leaves while it computes is aborted too (Python
ends daemon threads by unwinding, which MLX's C++ frames do not survive): leave by `os._exit`, or by the interpreter's
ordinary exit, which waits here until the thread is parked.
"""

from __future__ import annotations

import atexit
import gc
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecar.engine import backend
from sidecar.engine.request import GenerationRequest, Job, ModelFolder, RequestPriority
from sidecar.engine.status import EngineStatus, PriorityCounts
from sidecar.errors import EngineFailed, SidecarError

if TYPE_CHECKING:  # they import MLX: the engine thread does so at the first load
    from sidecar.engine.grammar import Vocabulary
    from sidecar.engine.lane import Lane
    from sidecar.engine.loader import LoadedModel
    from sidecar.engine.row import Row

log = logging.getLogger(__name__)

PARK_SECONDS = 10.0  # at the interpreter's ordinary exit; a step takes less, a model's load may not

Command = Callable[[], None]


class Scheduler:
    """Draws commands from an inbox between the steps of its lane.

    Waiting requests of high priority come first; within a priority, in the order they came.
    """

    def __init__(self, *, cache: Path, on_status: Callable[[EngineStatus], None]) -> None:
        self._cache = cache
        self._on_status = on_status
        self._inbox: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._waiting: dict[RequestPriority, deque[Job]] = {priority: deque() for priority in sorted(RequestPriority)}
        self._loads: deque[tuple[ModelFolder, Future[None]]] = deque()
        self._unloads: deque[Future[None]] = deque()
        self._model: LoadedModel | None = None
        self._lane: Lane | None = None
        self._closed = False
        self._parked = threading.Event()
        self.status = EngineStatus()
        threading.Thread(target=self._run, name="engine", daemon=True).start()
        atexit.register(self._park)

    # What other threads call.

    def submit(self, job: Job) -> None:
        self._inbox.put(lambda: self._enqueue(job))

    def cancel(self, request_id: str) -> None:
        """Ends the request before the next step; nothing more is delivered."""
        self._inbox.put(lambda: self._cancel(request_id))

    def load(self, folder: ModelFolder) -> Future[None]:
        """Done when that model is loaded; waits until no request runs on another one."""
        done: Future[None] = Future()
        self._inbox.put(lambda: self._loads.append((folder, done)))
        return done

    def vocabulary(self, folder: ModelFolder) -> Vocabulary | None:
        """That of the model in this folder, if it is loaded."""
        model = self._model
        return model.vocabulary if model is not None and model.path == folder.path else None

    def unload(self) -> Future[None]:
        """Done when the model's memory is free. Running requests are finished first, waiting ones load it again."""
        done: Future[None] = Future()
        self._inbox.put(lambda: self._unloads.append(done))
        return done

    def close(self) -> None:
        """Fails what runs and waits, frees the model, and serves nothing more."""
        self._inbox.put(self._close)

    def _park(self) -> None:
        self.close()
        self._parked.wait(PARK_SECONDS)

    # What the engine thread does.

    def _run(self) -> None:
        while True:
            idle = not self._has_work()
            if idle and self._closed:
                self._parked.set()  # from here on only `_enqueue` and the like run, which touch no MLX
            self._receive(block=idle)
            self._turn()

    def _has_work(self) -> bool:
        return bool(self._lane) or any(self._waiting.values()) or bool(self._loads) or bool(self._unloads)

    def _receive(self, *, block: bool) -> None:
        try:
            self._inbox.get(block=block)()
            while True:
                self._inbox.get_nowait()()
        except queue.Empty:
            return

    def _turn(self) -> None:
        if not self._lane:
            while self._unloads:
                self._unload()
                self._unloads.popleft().set_result(None)
            while self._loads:
                self._serve_load(*self._loads.popleft())
        elif self._loads and self._model is not None and self._loads[0][0].path == self._model.path:
            self._serve_load(*self._loads.popleft())
        if not self._unloads:
            self._admit()
        if self._lane:
            self._step()

    def _enqueue(self, job: Job) -> None:
        if self._closed:
            job.deliver(EngineFailed("the engine has been closed", reason="closed"))
            return
        self._waiting[job.request.priority].append(job)
        log.info("Queue size: %d", sum(map(len, self._waiting.values())))
        self._announce()

    def _cancel(self, request_id: str) -> None:
        for waiting in self._waiting.values():
            for job in waiting:
                if job.request.request_id == request_id:
                    waiting.remove(job)
                    self._announce()
                    return
        if self._lane is not None and self._lane.cancel(request_id) is not None:
            log.info("Request cancelled, request=%s", request_id)
            self._announce()

    def _admit(self) -> None:
        """Moves the first waiting request into the lane, if its model is or can be loaded and there is room."""
        waiting = next((jobs for jobs in self._waiting.values() if jobs), None)
        if waiting is None:
            return
        job = waiting[0]
        loaded = self._model is not None and self._model.path == job.folder.path
        if self._lane and not (loaded and self._lane.has_room):
            return
        waiting.popleft()
        failure: SidecarError | None = None
        try:
            model = self._loaded(job.folder)
            log.info("Processing request with priority=%d, request=%s", job.request.priority, job.request.request_id)
            self._insert(job, model)
        except SidecarError as error:
            failure = error
        except Exception as error:
            log.exception("Request could not be prepared, request=%s", job.request.request_id)
            failure = EngineFailed("the request could not be prepared", reason=type(error).__name__)
        self._announce()
        if failure is not None:
            job.deliver(failure)

    def _insert(self, job: Job, model: LoadedModel) -> None:
        from sidecar.engine.admission import admit
        from sidecar.engine.lane import Lane

        row = admit(job, model)
        if self._lane is None:
            self._lane = Lane(model)
        self._lane.insert(row)

    def _step(self) -> None:
        assert self._lane is not None
        try:
            ended = self._lane.step()
        except Exception as error:
            log.exception("A step of the engine failed, requests=%s", self._request_ids())
            failed = self._abandon_lane()
            self._announce()
            for row in failed:
                row.deliver(EngineFailed("a step of the engine failed", reason=type(error).__name__))
            return
        if ended:
            rate = ended[-1][0].tokens_per_second
            self._announce(tokens_per_second=rate if rate is not None else self.status.tokens_per_second)
        for row, last in ended:
            log.info(
                "Request processed in %.2f s, priority=%d, request=%s",
                time.monotonic() - row.submitted,
                row.request.priority,
                row.request.request_id,
            )
            row.deliver(last)

    def _serve_load(self, folder: ModelFolder, done: Future[None]) -> None:
        if not done.set_running_or_notify_cancel():
            return
        try:
            self._loaded(folder)
        except SidecarError as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    def _loaded(self, folder: ModelFolder) -> LoadedModel:
        """The model of that folder, loaded if it is not. No request may run on another one.

        Raises:
            EngineFailed: it cannot be loaded.
        """
        if self._model is not None and self._model.path == folder.path:
            return self._model
        if self._closed:
            raise EngineFailed("the engine has been closed", reason="closed")
        self._unload()
        log.info("Loading model, model=%s", folder.model_id)
        self._announce(loading=True, model_id=folder.model_id)
        started = time.monotonic()
        try:
            self._model = self._load(folder.path)
        except Exception as error:
            log.exception("Model could not be loaded, model=%s", folder.model_id)
            self._announce(loading=False, model_id=None)
            if isinstance(error, SidecarError):
                raise
            raise EngineFailed("the model could not be loaded", reason=type(error).__name__) from error
        seconds = time.monotonic() - started
        log.info("Model loaded in %.2f s, model=%s", seconds, folder.model_id)
        self._announce(loaded=True, loading=False, load_seconds=seconds)
        return self._model

    def _load(self, path: Path) -> LoadedModel:
        backend.prepare(self._cache)
        from sidecar.engine import loader

        device = backend.device()
        budget = backend.memory_budget()
        self.status = replace(self.status, device=device, budget_bytes=budget)
        return loader.load(path, device, budget)

    def _unload(self) -> None:
        if self._model is None:
            return
        import mlx.core as mx

        self._abandon_lane()
        self._model = None
        gc.collect()
        mx.clear_cache()
        log.info("Model unloaded, model=%s", self.status.model_id)
        self._announce(loaded=False, model_id=None, load_seconds=None)

    def _abandon_lane(self) -> list[Row]:
        """Drops the lane; the next request gets a fresh one. Returns the rows it had."""
        lane, self._lane = self._lane, None
        if lane is None:
            return []
        rows = list(lane.rows.values())
        lane.close()
        return rows

    def _close(self) -> None:
        self._closed = True
        closed = EngineFailed("the engine has been closed", reason="closed")
        for waiting in self._waiting.values():
            while waiting:
                waiting.popleft().deliver(closed)
        for row in self._abandon_lane():
            row.deliver(closed)
        self._unload()

    def _request_ids(self) -> list[str]:
        return [row.request.request_id for row in self._lane.rows.values()] if self._lane else []

    def _announce(self, **changes: Any) -> None:
        """Takes a new snapshot and tells it."""
        if self._model is not None or self.status.loaded:
            import mlx.core as mx

            changes |= {"active_bytes": mx.get_active_memory(), "peak_bytes": mx.get_peak_memory()}
        running = list(self._lane.rows.values()) if self._lane else []
        self.status = replace(
            self.status,
            queued=_counts(job.request for jobs in self._waiting.values() for job in jobs),
            running=_counts(row.request for row in running),
            **changes,
        )
        self._on_status(self.status)


def _counts(requests: Iterator[GenerationRequest]) -> PriorityCounts:
    priorities = [request.priority for request in requests]
    return PriorityCounts(priorities.count(RequestPriority.HIGH), priorities.count(RequestPriority.LOW))
