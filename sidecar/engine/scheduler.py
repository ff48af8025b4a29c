"""Which request is served next. For the engine thread only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sidecar.engine import journal
from sidecar.engine.pace import Pace
from sidecar.engine.request import GrammarNeeded, Job, KvBits, ModelFolder, RequestPriority, TokensNeeded
from sidecar.engine.residence import Residence, settle
from sidecar.engine.status import EngineStatus, counts
from sidecar.engine.waiting import Waiting
from sidecar.errors import EngineFailed, SidecarError

if TYPE_CHECKING:  # they import MLX: the engine thread does so at the first load
    from sidecar.engine.admission import Read
    from sidecar.engine.grammars import Grammars
    from sidecar.engine.lane import Ended
    from sidecar.engine.lanes import Lanes
    from sidecar.engine.loader import LoadedModel
    from sidecar.engine.row import Row

log = logging.getLogger(__name__)

T = TypeVar("T")

HIGH, LOW = RequestPriority.HIGH, RequestPriority.LOW

CHUNK_BESIDE_STREAMS = 128
"""Positions of a person's prompt that a step reads while others who are no less urgent get tokens with it."""


class Scheduler:
    """Two lanes over one model.

    While a person's request is in the house only its lane is stepped: the background lane keeps its rows, their KV and
    their place, and goes on afterwards as if nothing had been.
    """

    def __init__(
        self,
        *,
        cache: Path,
        budget_bytes: int | None = None,
        kv_bits: KvBits | None = None,
        grace_seconds: float,
        on_status: Callable[[EngineStatus], None],
        receive_urgent: Callable[[], None],
        wait_urgent: Callable[[Future[Any]], None],
        heartbeat: Callable[[], None],
        unwatched: Callable[[], None],
    ) -> None:
        """The model that served a person stays for `grace_seconds` after that, whatever the background needs.
        `receive_urgent` is called at every boundary within the background's work, and calls back what may happen
        there; `wait_urgent` waits for that, or for the end of what is done beside. `heartbeat` is called before every
        step and at every boundary; `unwatched` before what takes as long as the disk or another thread does."""
        self._on_status = on_status
        self._receive_urgent = receive_urgent
        self._wait_urgent = wait_urgent
        self._unwatched = unwatched
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="beside-engine")
        self._heartbeat = heartbeat
        self._waiting = Waiting()
        self._cancelled: set[str] = set()
        self._residence = Residence(
            cache=cache,
            announce=self._announce,
            heartbeat=heartbeat,
            unwatched=unwatched,
            before_unload=self._close_lanes,
            grace_seconds=grace_seconds,
            budget_bytes=budget_bytes,
            kv_bits=kv_bits,
        )
        self._lanes: Lanes | None = None
        self._pace = Pace()
        self._inserting: list[Job | Row] = []  # a person's within the background's
        self._paused = False
        self._giving_way = False
        self._place_wanted = False  # by a person, and the background's rows hold it
        self._has_news = False  # of the queue's length, which is told once for all that came together
        self.closed = False
        self.status = EngineStatus()

    # What is wanted of it.

    def enqueue(self, job: Job) -> None:
        if self.closed:
            job.deliver(EngineFailed("the engine has been closed", reason="closed"))
            return
        self._waiting.add(job)
        journal.queued(job, len(self._waiting))
        self._has_news = True

    def cancel(self, request_id: str) -> None:
        """Before the next step."""
        if (waiting := self._waiting.remove(request_id)) is not None:
            self._has_news = True
            journal.cancelled(waiting)
        else:
            self._cancelled.add(request_id)

    @property
    def budget_bytes(self) -> int | None:
        """What the engine may take; None: a share of the computer's memory. Set, it counts from the next load."""
        return self._residence.budget_bytes

    @budget_bytes.setter
    def budget_bytes(self, budget_bytes: int | None) -> None:
        self._residence.budget_bytes = budget_bytes

    def unload(self, done: Future[None]) -> None:
        """In its turn: once no request runs."""
        self._residence.want_none(done)

    def pause(self, paused: bool, done: Future[None]) -> None:
        """Holds the background lane, or lets it go on."""
        self._paused = paused
        log.info("Background work %s", "paused" if paused else "resumed")
        self._announce(paused=paused)
        settle(done)

    def close(self) -> None:
        """Fails what runs and waits, frees the model, and serves nothing more."""
        self.closed = True
        closed = EngineFailed("the engine has been closed", reason="closed")
        for request in [*self._waiting.drain(), *self._close_lanes()]:
            journal.failed(request, closed)
            request.deliver(closed)
        self._residence.close()
        self._beside.shutdown(wait=False)

    def break_off(self, error: SidecarError) -> None:
        """Fails what runs and waits, for a fault of the engine's own; the next request finds it as new."""
        self._cancelled.clear()
        for request in [*self._waiting.drain(), *self._close_lanes()]:
            journal.failed(request, error)
            request.deliver(error)
        self._residence.break_off(error)
        self._announce()

    def fail_all(self, error: SidecarError) -> None:
        """Tells all requests; from another thread, once the engine thread does not come back."""
        requests = [*self._waiting, *self._inserting, *self._rows()]
        log.error("Failed: %s, requests=%s", error.message, [each.request.request_id for each in requests])
        for each in requests:
            each.deliver(error)

    def rest(self) -> None:
        """The lanes are closed, and what MLX keeps for its next arrays is given back; the model stays."""
        self._close_lanes()
        self._residence.free_scratch()
        log.info("Engine at rest")
        self._announce()

    def unload_model(self) -> None:
        """At once; no request may run."""
        self._residence.unload_model()

    # What it holds.

    def grammars(self, folder: ModelFolder) -> Grammars | None:
        """Those of the model in this folder, if it is loaded. From any thread."""
        model = self._residence.model
        return model.grammars if model is not None and model.path == folder.path else None

    @property
    def has_model(self) -> bool:
        return self._residence.model is not None

    @property
    def has_lanes(self) -> bool:
        return bool(self._lanes)

    @property
    def has_begun(self) -> bool:
        """Whether requests run on the model, or hold a place on it."""
        return self._has_rows(HIGH, LOW) or self._put_off_here

    @property
    def _put_off_here(self) -> bool:
        """Whether rows wait that were begun on this model; those that were begun on another one do not hold it."""
        return any(self._residence.holds(row.folder) for row in self._waiting.rows)

    @property
    def _background_begun(self) -> bool:
        """Whether rows of low priority hold the model, also while one of them is being inserted or put off."""
        return self._giving_way or self._has_rows(LOW) or self._put_off_here

    @property
    def has_work(self) -> bool:
        """Whether a turn would do something."""
        if self._residence.is_leaving or bool(self._cancelled) or self._has_news or self._has(HIGH):
            return True
        return not self._paused and (self._has_rows(LOW) or self._next_of_background is not None)

    @property
    def grace_may_end(self) -> float | None:
        """When, of `time.monotonic`, the background that waits for another model need not wait any more; it may just
        have gone by. None: none waits."""
        first = None if self._paused else self._waiting.first(LOW)
        return None if first is None or self._residence.holds(first.folder) else self._residence.grace_ends

    @property
    def _next_of_background(self) -> Job | Row | None:
        first = self._waiting.first(LOW)
        if first is not None and self._residence.is_kept_from(first.folder):
            return self._waiting.first(LOW, self._residence.folder)
        return first

    def _has(self, priority: RequestPriority) -> bool:
        return self._has_rows(priority) or self._waiting.first(priority) is not None

    def _has_rows(self, *priorities: RequestPriority) -> bool:
        return self._lanes is not None and any(map(self._lanes.has_rows, priorities))

    def _rows(self) -> list[Row]:
        return self._lanes.rows if self._lanes else []

    def _request_ids(self) -> list[str]:
        return [row.request.request_id for row in self._rows()]

    # What it does.

    def turn(self) -> None:
        """Applies what was wanted, and makes one step."""
        self._announce_news()
        self._apply_cancellations([HIGH, LOW])
        self._cancelled.clear()
        self._residence.serve(in_use=self.has_begun)
        if not self._serve_people():
            self._serve_background()

    def _serve_people(self) -> bool:
        """One step for the requests of high priority, if there are any that can be served now."""
        self._admit(HIGH)
        if not self._has_rows(HIGH):
            return False
        self._step(HIGH)
        self._residence.served_person()
        return True

    def _serve_background(self) -> None:
        # Whoever waits for the model to leave waits for what has begun to end: that goes on, and no more is begun.
        leaves = self._residence.is_leaving
        if self._paused and not leaves:
            return
        if not leaves or not isinstance(self._next_of_background, Job):
            self._admit(LOW)
        # Somebody who came meanwhile and needs another model waits for one step less.
        if self._has_rows(LOW) and self._waiting.first(HIGH) is None:
            self._step(LOW)

    def _give_way(self) -> bool:
        """At a boundary within the background's work: serves people until none waits. What would change the lane whose
        work this is waits until that has come to its end. False: so does somebody whom its youngest row leaves no
        memory, and that work is for nothing."""
        self._giving_way, self._place_wanted = True, False
        try:
            self._serve_all_people()
        finally:
            self._giving_way = False
        return not self._place_wanted

    def _serve_all_people(self, *, cancelling: Sequence[RequestPriority] = (HIGH,)) -> None:
        serving = True
        while serving:
            self._receive_urgent()
            self._announce_news()
            self._apply_cancellations(cancelling)
            serving = self._serve_people()

    def _do_beside(self, work: Callable[[], T]) -> T:
        """The background's work that needs no MLX, done by another thread. People are served meanwhile, also in the
        place of the background's rows, as no step is under way."""
        done = self._beside.submit(work)
        while not done.done():
            self._unwatched()
            self._wait_urgent(done)
            self._serve_all_people(cancelling=[HIGH, LOW])
        self._heartbeat()
        return done.result()

    def _apply_cancellations(self, priorities: Iterable[RequestPriority]) -> None:
        lanes = [self._lanes.get(priority) for priority in priorities] if self._lanes else []
        for request_id in list(self._cancelled):
            rows = (lane.cancel(request_id) for lane in lanes if lane is not None)
            if (row := next(filter(None, rows), None)) is not None:
                self._cancelled.discard(request_id)
                journal.cancelled(row)
                self._announce()

    def _admit(self, priority: RequestPriority) -> None:
        """Moves the first waiting request into its lane, if its model is or can be loaded and there is room."""
        first = self._waiting.first(HIGH) if priority == HIGH else self._next_of_background
        if first is None:
            return
        if priority == HIGH and not self._residence.holds(first.folder):
            self._clear_the_model()
        if not self._may_begin(first) or not self._has_room(priority):
            return
        self._waiting.remove(first.request.request_id)
        self._inserting.append(first)
        failure: SidecarError | None = None
        try:
            if not self._insert(first):
                return
        except SidecarError as error:
            failure = error
        except Exception as error:
            log.exception(
                "Request could not be prepared, request=%s", first.request.request_id, extra=journal.model(first)
            )
            failure = EngineFailed("the request could not be prepared", reason=type(error).__name__)
        finally:
            self._inserting.pop()
        self._announce()
        if failure is not None:
            journal.failed(first, failure)
            first.deliver(failure)

    def _has_room(self, priority: RequestPriority) -> bool:
        lane = self._lanes.get(priority) if self._lanes else None
        return not lane or (lane.has_room and (priority == HIGH or len(lane) < self._pace.rows))

    def _may_begin(self, first: Job | Row) -> bool:
        # A model that shall leave stays until the background's rows have ended, which may be long: people are served
        # meanwhile.
        served = not isinstance(first, Job) or (first.request.priority == HIGH and self._background_begun)
        if self._residence.is_leaving and not served:
            return False
        return self._residence.holds(first.folder) or not (self._giving_way or self._has_rows(HIGH, LOW))

    def _clear_the_model(self) -> None:
        """For a person who needs another one: the background's rows leave this one, to go on later from where they are.
        Other people's rows come to their end first, and so does a step that is under way."""
        low = self._lanes.get(LOW) if self._lanes else None
        if low is None or self._giving_way or self._has_rows(HIGH):
            return
        while low:
            self._put_off(low.evict())

    def _insert(self, first: Job | Row) -> bool:
        """False if it has to wait for memory."""
        self._heartbeat()
        read: Read | None = None
        if isinstance(first, Job):
            if first.request.priority == HIGH and (needed := self._needed(first)) is not None:
                self._residence.served_person()  # whom the model stays for until they are back
                first.deliver(needed)
                return True
            read = self._read(first)
            if self._residence.is_kept_from(first.folder):  # a person was served meanwhile, by another model
                self._put_back(first)
                return True
        model = self._residence.ensure_loaded(first.folder)
        if first.request.priority == HIGH:
            return self._inserted(first, read, model)
        with model.boundary.background(self._give_way):
            inserted = self._inserted(first, read, model)
        if inserted:
            self._pace.computed(model.boundary)
        return inserted

    def _needed(self, job: Job) -> GrammarNeeded | TokensNeeded | None:
        """What a person is to make first, as far from here as ever, and sends the job again with it: other people are
        served meanwhile."""
        model = self._residence.ensure_loaded(job.folder)  # which prepares for what imports MLX
        from sidecar.engine.admission import tokens_needed

        if job.request.is_constrained and job.grammar is None:
            return GrammarNeeded(model.grammars)
        return tokens_needed(job, model)

    def _read(self, job: Job) -> Read:
        # No model is held by name: while a person is served in the midst of this, another may take its place.
        self._residence.ensure_loaded(job.folder)
        from sidecar.engine.admission import reading

        journal.begun(job)
        read = reading(job, self._residence.ensure_loaded(job.folder))
        return read() if job.request.priority == HIGH else self._do_beside(read)

    def _inserted(self, first: Job | Row, read: Read | None, model: LoadedModel) -> bool:
        from sidecar.engine.admission import admit
        from sidecar.engine.lane import MOST_ROWS
        from sidecar.engine.lanes import Lanes

        if isinstance(first, Job):
            assert read is not None
            row = admit(first, read, model)
        else:
            row = first
        if self._lanes is None:
            self._lanes = Lanes(model)
        lanes, priority = self._lanes, row.request.priority
        if priority == LOW and lanes.get(LOW) is None:
            self._pace.begin(most_rows=MOST_ROWS, most_read=lanes.open(LOW).most_read)
        lane = lanes.open(priority)
        # The background's rows stay while a step of it is under way.
        has_room = lanes.make_room(row, put_off=None if self._giving_way else self._put_off)
        self._place_wanted = self._giving_way and not has_room
        if not has_room:
            row.begins_with = None
            self._put_back(row)
            return False
        needed = lanes.needed(row)
        if needed > self.status.estimated_peak_bytes:
            self._announce(estimated_peak_bytes=needed)
        lane.insert(row)  # encodes its pictures
        return True

    def _put_off(self, evicted: Ended) -> None:
        row, last = evicted
        if last is None:
            journal.put_off(row)
            self._put_back(row)
        else:
            self._ended([evicted])

    def _put_back(self, waiting: Job | Row) -> None:
        """It waits again, unless it was given up while it was on its way, or could not be taken out of its lane."""
        if waiting.request.request_id in self._cancelled:
            self._cancelled.discard(waiting.request.request_id)
            journal.cancelled(waiting)
        else:
            self._waiting.put_first(waiting)

    def _step(self, priority: RequestPriority) -> None:
        assert self._lanes is not None
        lane, boundary = self._lanes.open(priority), self._lanes.model.boundary
        self._heartbeat()
        if priority == HIGH:
            lane.read_at_most(CHUNK_BESIDE_STREAMS if lane.delays_streams else lane.most_read)
        try:
            ended = lane.step() if priority == HIGH else self._pace.step(lane, boundary, self._give_way)
        except Exception as error:
            log.exception("A step of the engine failed, requests=%s", self._request_ids())
            failed = self._lanes.close(priority)
            self._announce()
            for row in failed:
                failure = EngineFailed("a step of the engine failed", reason=type(error).__name__)
                journal.failed(row, failure)
                row.deliver(failure)
            return
        self._ended(ended)
        if priority == LOW and lane and (self._pace.went_too_far or lane.has_abandoned):
            self._put_off(lane.evict())

    def _ended(self, ended: list[Ended]) -> None:
        if ended:
            rate = ended[-1][0].tokens_per_second
            self._announce(
                tokens_per_second=rate if rate is not None else self.status.tokens_per_second,
                low_step_p99_ms=self._pace.p99_ms,
            )
        for row, last in ended:
            assert last is not None
            if isinstance(last, SidecarError):
                journal.failed(row, last)
            else:
                journal.ended(row)
            row.deliver(last)

    def _close_lanes(self) -> list[Row]:
        """Returns the rows they had."""
        lanes, self._lanes = self._lanes, None
        return lanes.close_all() if lanes else []

    def _announce_news(self) -> None:
        if self._has_news:
            self._announce()

    def _announce(self, **changes: Any) -> None:
        """Takes a new snapshot and tells it."""
        self._has_news = False
        if self._residence.model is not None or self.status.loaded:
            changes |= self._residence.memory()
        self.status = replace(
            self.status,
            queued=self._waiting.counts,
            running=counts(row.request for row in self._rows()),
            **changes,
        )
        self._on_status(self.status)
