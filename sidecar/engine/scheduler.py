"""The engine thread: loads the model and runs it, for the life of the process.

MLX wants one thread: arrays left lazy by another one fail, and a thread that used MLX and ended may abort the
process's exit (both measured). So this one never ends. A process that leaves while it computes is aborted too (Python
ends daemon threads by unwinding, which MLX's C++ frames do not survive): leave by `os._exit`, or by the interpreter's
ordinary exit, which waits here until the thread is parked.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecar.engine.inbox import Inbox
from sidecar.engine.request import GenerationRequest, Job, KvBits, ModelFolder, RequestPriority
from sidecar.engine.residence import Residence
from sidecar.engine.row_limit import RowLimit
from sidecar.engine.status import EngineStatus, PriorityCounts
from sidecar.engine.waiting import Waiting
from sidecar.engine.watchdog import HUNG_SECONDS, Watchdog
from sidecar.errors import EngineFailed, SidecarError

if TYPE_CHECKING:  # they import MLX: the engine thread does so at the first load
    from sidecar.engine.grammar import Vocabulary
    from sidecar.engine.lane import Lane
    from sidecar.engine.lanes import Lanes
    from sidecar.engine.row import Row

log = logging.getLogger(__name__)

HIGH, LOW = RequestPriority.HIGH, RequestPriority.LOW
PARK_SECONDS = 10.0  # at the interpreter's ordinary exit; a step takes less, a model's load may not
RECENT_STEPS = 1000  # of the background, whose longest are told
REST_SECONDS = 60.0
UNLOAD_SECONDS = 30 * 60.0


class Scheduler:
    """Two lanes over one model, and an inbox that is looked into between their steps and at every boundary within the
    background's.

    While a person's request is in the house only its lane is stepped: the background lane keeps its rows, their KV and
    their place, and goes on afterwards as if nothing had been.
    """

    def __init__(
        self,
        *,
        cache: Path,
        budget_bytes: int | None = None,
        kv_bits: KvBits | None = None,
        on_status: Callable[[EngineStatus], None],
        on_hung: Callable[[], None] = lambda: None,
        rest_seconds: float = REST_SECONDS,
        unload_seconds: float = UNLOAD_SECONDS,
        hung_seconds: float = HUNG_SECONDS,
    ) -> None:
        """`on_hung` is called on a thread of its own when a step does not return within `hung_seconds`. Idle for
        `rest_seconds` the lanes and all scratch memory are given back, for `unload_seconds` the model, too; both may be
        set at any time."""
        self.rest_seconds = rest_seconds
        self.unload_seconds = unload_seconds
        self._on_status = on_status
        self._on_hung = on_hung
        self._inbox = Inbox()
        self._waiting = Waiting()
        self._cancelled: set[str] = set()
        self._loads: deque[tuple[ModelFolder, Future[None]]] = deque()
        self._unloads: deque[Future[None]] = deque()
        self._watchdog = Watchdog(self._hung, hung_seconds)
        self._residence = Residence(
            cache=cache,
            announce=self._announce,
            heartbeat=self._watchdog.beat,
            budget_bytes=budget_bytes,
            kv_bits=kv_bits,
        )
        self._lanes: Lanes | None = None
        self._row_limit = RowLimit(1)
        self._low_steps: deque[float] = deque(maxlen=RECENT_STEPS)
        self._paused = False
        self._giving_way = False
        self._closed = False
        self._parked = threading.Event()
        self.status = EngineStatus()
        threading.Thread(target=self._run, name="engine", daemon=True).start()
        atexit.register(self._park)

    # What other threads call.

    def submit(self, job: Job) -> None:
        self._inbox.put(lambda: self._enqueue(job), urgent=True)

    def cancel(self, request_id: str) -> None:
        """Ends the request before the next step; nothing more is delivered."""
        self._inbox.put(lambda: self._cancel(request_id), urgent=True)

    def load(self, folder: ModelFolder) -> Future[None]:
        """Done when that model is loaded; waits until no request runs on another one."""
        done: Future[None] = Future()
        self._inbox.put(lambda: self._loads.append((folder, done)))
        return done

    def vocabulary(self, folder: ModelFolder) -> Vocabulary | None:
        """That of the model in this folder, if it is loaded."""
        model = self._residence.model
        return model.vocabulary if model is not None and model.path == folder.path else None

    def unload(self) -> Future[None]:
        """Done when the model's memory is free. Running requests are finished first, waiting ones load it again."""
        done: Future[None] = Future()
        self._inbox.put(lambda: self._unloads.append(done))
        return done

    def pause(self, paused: bool) -> Future[None]:
        """Holds the background lane, or lets it go on. Done when that is so."""
        done: Future[None] = Future()
        self._inbox.put(lambda: self._pause(paused, done))
        return done

    def close(self) -> None:
        """Fails what runs and waits, frees the model, and serves nothing more."""
        self._inbox.put(self._close)

    def _park(self) -> None:
        self.close()
        self._parked.wait(PARK_SECONDS)

    def _hung(self) -> None:
        """On the watchdog's thread: the engine thread does not come back, so nobody else touches its state."""
        log.error("The engine hangs, requests=%s", self._request_ids())
        hung = EngineFailed("the engine hangs", reason="hung")
        for request in [*self._waiting, *self._rows()]:
            request.deliver(hung)
        self._on_hung()

    # What the engine thread does.

    def _run(self) -> None:
        idle_since = time.monotonic()
        while True:
            self._watchdog.rest()
            if self._has_work():
                self._inbox.run_all()
                self._turn()
                idle_since = time.monotonic()
                continue
            if self._closed:
                self._parked.set()  # from here on only `_enqueue` and the like run, which touch no MLX
            self._receive_idle(idle_since)

    def _has_work(self) -> bool:
        return (
            bool(self._inbox.has_put_off or self._loads or self._unloads or self._cancelled)
            or self._has(HIGH)
            or (not self._paused and self._has(LOW))
        )

    def _has(self, priority: RequestPriority) -> bool:
        return self._has_rows(priority) or self._waiting.first(priority) is not None

    def _has_rows(self, *priorities: RequestPriority) -> bool:
        return self._lanes is not None and any(map(self._lanes.has_rows, priorities))

    @property
    def _has_begun(self) -> bool:
        """Whether requests run on the model, or hold a place on it."""
        return self._has_rows(HIGH, LOW) or self._waiting.has_rows

    def _receive_idle(self, idle_since: float) -> None:
        """Waits for a command. What is not needed meanwhile is given back in time."""
        held = self._has_begun  # by a paused background
        rest = idle_since + self.rest_seconds if self._lanes and not held else None
        unload = idle_since + self.unload_seconds if self._residence.model is not None and not held else None
        until = min((at for at in (rest, unload) if at is not None), default=None)
        if self._inbox.wait(None if until is None else max(0.0, until - time.monotonic())):
            return
        now = time.monotonic()
        if rest is not None and now >= rest:
            self._rest()
        if unload is not None and now >= unload:
            self._unload()

    def _turn(self) -> None:
        self._apply_cancellations([HIGH, LOW])
        self._cancelled.clear()
        if not self._has_begun:
            while self._unloads:
                self._unload()
                self._unloads.popleft().set_result(None)
            while self._loads:
                self._serve_load(*self._loads.popleft())
        elif self._loads and self._residence.holds(self._loads[0][0]):
            self._serve_load(*self._loads.popleft())
        if not self._serve_people():
            self._serve_background()

    def _serve_people(self) -> bool:
        """One step for the requests of high priority, if there are any that can be served now."""
        self._admit(HIGH)
        if not self._has_rows(HIGH):
            return False
        self._step(HIGH)
        return True

    def _serve_background(self) -> None:
        # Somebody who needs the model's place waits for what has begun to end: that goes on, and no more is begun.
        needed = bool(self._unloads or self._loads) or self._waiting.first(HIGH) is not None
        if self._paused and not needed:
            return
        if not needed or not isinstance(self._waiting.first(LOW), Job):
            self._admit(LOW)
        if self._has_rows(LOW):
            self._step(LOW)

    def _give_way(self) -> None:
        """At a boundary within the background's work: serves people until none waits. What would change the lane whose
        work this is waits until that has come to its end."""
        self._giving_way = True
        serving = True
        while serving:
            self._inbox.run_urgent()
            self._apply_cancellations([HIGH])
            serving = self._serve_people()
        self._giving_way = False

    def _enqueue(self, job: Job) -> None:
        if self._closed:
            job.deliver(EngineFailed("the engine has been closed", reason="closed"))
            return
        self._waiting.add(job)
        log.info("Queue size: %d", len(self._waiting))
        self._announce()

    def _cancel(self, request_id: str) -> None:
        if self._waiting.remove(request_id):
            self._announce()
        else:
            self._cancelled.add(request_id)

    def _apply_cancellations(self, priorities: Iterable[RequestPriority]) -> None:
        lanes = [self._lanes.get(priority) for priority in priorities] if self._lanes else []
        for request_id in list(self._cancelled):
            if any(lane.cancel(request_id) for lane in lanes if lane is not None):
                self._cancelled.discard(request_id)
                log.info("Request cancelled, request=%s", request_id)
                self._announce()

    def _pause(self, paused: bool, done: Future[None]) -> None:
        self._paused = paused
        log.info("Background work %s", "paused" if paused else "resumed")
        self._announce(paused=paused)
        done.set_result(None)

    def _admit(self, priority: RequestPriority) -> None:
        """Moves the first waiting request into its lane, if its model is or can be loaded and there is room."""
        first = self._waiting.first(priority)
        if first is None or (isinstance(first, Job) and not self._may_begin(first)):
            return
        lane = self._lanes.get(priority) if self._lanes else None
        if lane and not (lane.has_room and (priority == HIGH or len(lane) < self._row_limit.rows)):
            return
        self._waiting.take(priority)
        failure: SidecarError | None = None
        try:
            if not self._insert(first):
                return
        except SidecarError as error:
            failure = error
        except Exception as error:
            log.exception("Request could not be prepared, request=%s", first.request.request_id)
            failure = EngineFailed("the request could not be prepared", reason=type(error).__name__)
        self._announce()
        if failure is not None:
            first.deliver(failure)

    def _may_begin(self, job: Job) -> bool:
        if self._unloads or (self._loads and not self._residence.holds(self._loads[0][0])):
            return False
        return self._residence.holds(job.folder) or not (self._giving_way or self._has_begun)

    def _insert(self, first: Job | Row) -> bool:
        """False if it has to wait for memory."""
        if self._closed:
            raise EngineFailed("the engine has been closed", reason="closed")
        self._watchdog.beat()
        row, lanes = (self._begun(first) if isinstance(first, Job) else first), self._lanes
        assert lanes is not None
        priority = row.request.priority
        if priority == LOW and lanes.get(LOW) is None:
            from sidecar.engine.lane import MOST_ROWS

            self._row_limit = RowLimit(MOST_ROWS)
        lane = lanes.open(priority)
        if not self._has_memory(lanes, lane, row):
            row.begins_with = None
            self._waiting.put_first(row)
            return False
        needed = lanes.needed(priority, row)
        if needed > self.status.estimated_peak_bytes:
            self._announce(estimated_peak_bytes=needed)
        if priority == LOW:
            with lanes.model.boundary.background(self._give_way):
                lane.insert(row)
        else:
            lane.insert(row)
        return True

    def _begun(self, job: Job) -> Row:
        if not self._residence.holds(job.folder):
            self._close_lanes()
        model = self._residence.ensure_loaded(job.folder)
        from sidecar.engine.admission import admit
        from sidecar.engine.lanes import Lanes

        if self._lanes is None:
            self._lanes = Lanes(model)
        log.info("Processing request with priority=%d, request=%s", job.request.priority, job.request.request_id)
        return admit(job, model)

    def _has_memory(self, lanes: Lanes, lane: Lane, row: Row) -> bool:
        """Whether the row fits into the memory budget; for a person room is made. Alone in the house any row does."""
        budget, priority = lanes.model.memory.budget, row.request.priority
        fits = lanes.needed(priority, row) <= budget
        if priority == LOW and not fits and self._has_rows(HIGH, LOW):
            return False
        lane.begin(row)  # before anything of that is let go
        if not fits:
            lanes.shrink_prefixes(lanes.needed(priority, row) - budget)
        if priority == LOW:
            return True
        low = lanes.get(LOW)
        while low and lanes.needed(HIGH, row) > budget:
            if self._giving_way:
                return False  # the background's step must have ended
            evicted, last = low.evict()
            log.info("Request put off for want of memory, request=%s", evicted.request.request_id)
            if last is None:
                self._waiting.put_first(evicted)
            else:
                self._ended([(evicted, last)])
        return not lane or lanes.needed(HIGH, row) <= budget

    def _step(self, priority: RequestPriority) -> None:
        assert self._lanes is not None
        lane = self._lanes.open(priority)
        self._watchdog.beat()
        try:
            ended = lane.step() if priority == HIGH else self._background_step(lane)
        except Exception as error:
            log.exception("A step of the engine failed, requests=%s", self._request_ids())
            failed = self._lanes.close(priority)
            self._announce()
            for row in failed:
                row.deliver(EngineFailed("a step of the engine failed", reason=type(error).__name__))
            return
        self._ended(ended)

    def _ended(self, ended: list[tuple[Row, Any]]) -> None:
        if ended:
            rate = ended[-1][0].tokens_per_second
            self._announce(
                tokens_per_second=rate if rate is not None else self.status.tokens_per_second,
                low_step_p99_ms=_p99_ms(self._low_steps),
            )
        for row, last in ended:
            log.info(
                "Request processed in %.2f s, priority=%d, request=%s",
                time.monotonic() - row.submitted,
                row.request.priority,
                row.request.request_id,
            )
            row.deliver(last)

    def _background_step(self, lane: Lane) -> list[tuple[Row, Any]]:
        model = self._residence.model
        assert model is not None
        rows, reads_prompt = len(lane), lane.reads_prompt
        with model.boundary.background(self._give_way):
            ended = lane.step()
            lane.settle()
        self._low_steps.append(model.boundary.longest_stretch)
        if not reads_prompt:  # the new row's prompt is cut at boundaries of its own
            self._row_limit.measured(rows, model.boundary.longest_stretch)
        return ended

    def _serve_load(self, folder: ModelFolder, done: Future[None]) -> None:
        if not done.set_running_or_notify_cancel():
            return
        try:
            if self._closed:
                raise EngineFailed("the engine has been closed", reason="closed")
            if not self._residence.holds(folder):
                self._close_lanes()
            self._residence.ensure_loaded(folder)
        except SidecarError as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    def _unload(self) -> None:
        self._close_lanes()
        self._residence.unload_model()

    def _rest(self) -> None:
        """The lanes are closed, and what MLX keeps for its next arrays is given back; the model stays."""
        self._close_lanes()
        self._residence.free_scratch()
        log.info("Engine at rest")
        self._announce()

    def _close_lanes(self) -> list[Row]:
        """Returns the rows they had."""
        lanes, self._lanes = self._lanes, None
        return lanes.close_all() if lanes else []

    def _close(self) -> None:
        self._closed = True
        closed = EngineFailed("the engine has been closed", reason="closed")
        for request in [*self._waiting.drain(), *self._close_lanes()]:
            request.deliver(closed)
        self._residence.unload_model()

    def _rows(self) -> list[Row]:
        return self._lanes.rows if self._lanes else []

    def _request_ids(self) -> list[str]:
        return [row.request.request_id for row in self._rows()]

    def _announce(self, **changes: Any) -> None:
        """Takes a new snapshot and tells it."""
        if self._residence.model is not None or self.status.loaded:
            changes |= self._residence.memory()
        self.status = replace(
            self.status,
            queued=_counts(waiting.request for waiting in self._waiting),
            running=_counts(row.request for row in self._rows()),
            **changes,
        )
        self._on_status(self.status)


def _counts(requests: Iterable[GenerationRequest]) -> PriorityCounts:
    priorities = [request.priority for request in requests]
    return PriorityCounts(priorities.count(HIGH), priorities.count(LOW))


def _p99_ms(steps: Collection[float]) -> float | None:
    return 1e3 * sorted(steps)[len(steps) * 99 // 100] if steps else None
