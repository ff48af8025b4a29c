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
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.engine.inbox import Inbox
from sidecar.engine.request import Job, KvBits, ModelFolder, RequestPriority
from sidecar.engine.residence import GRACE_SECONDS
from sidecar.engine.scheduler import Scheduler
from sidecar.engine.status import EngineStatus
from sidecar.engine.watchdog import HUNG_SECONDS, Watchdog
from sidecar.errors import EngineFailed

if TYPE_CHECKING:  # it imports MLX
    from sidecar.engine.grammars import Grammars

log = logging.getLogger(__name__)

PARK_SECONDS = 10.0  # at the interpreter's ordinary exit; a step takes less, a model's load may not
REST_SECONDS = 60.0
UNLOAD_SECONDS = 30 * 60.0


class EngineThread:
    """Hands to the scheduler what other threads want of it, between two steps and at every boundary within the
    background's, and lets it work until nothing is left to do."""

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
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        """`on_hung` is called on a thread of its own when a step does not return within `hung_seconds`. Idle for
        `rest_seconds` the lanes and all scratch memory are given back, for `unload_seconds` the model, too; both may be
        set at any time."""
        self.rest_seconds = rest_seconds
        self.unload_seconds = unload_seconds
        self._on_hung = on_hung
        self._inbox = Inbox()
        self._watchdog = Watchdog(self._hung, hung_seconds)
        self._scheduler = Scheduler(
            cache=cache,
            budget_bytes=budget_bytes,
            kv_bits=kv_bits,
            grace_seconds=grace_seconds,
            on_status=on_status,
            receive_urgent=self._inbox.run_urgent,
            wait_urgent=self._inbox.wait_urgent,
            heartbeat=self._watchdog.beat,
            unwatched=self._watchdog.rest,
        )
        self._parked = threading.Event()
        threading.Thread(target=self._run, name="engine", daemon=True).start()
        atexit.register(self._park)

    @property
    def status(self) -> EngineStatus:
        return self._scheduler.status

    def submit(self, job: Job) -> None:
        for_person = job.request.priority == RequestPriority.HIGH
        self._inbox.put(lambda: self._scheduler.enqueue(job), urgent=True, for_person=for_person)

    def cancel(self, request_id: str, *, for_person: bool) -> None:
        """Ends the request before the next step; nothing more is delivered. `for_person`: as it was when submitted."""
        self._inbox.put(lambda: self._scheduler.cancel(request_id), urgent=True, for_person=for_person)

    def unload(self) -> Future[None]:
        """Done when the model's memory is free. Running requests are finished first, waiting ones load it again.
        Cancelled in time, it is as if it had never been asked for."""
        done: Future[None] = Future()
        self._inbox.put(lambda: self._scheduler.unload(done))
        return done

    def pause(self, paused: bool) -> Future[None]:
        """Holds the background lane, or lets it go on. Done when that is so."""
        done: Future[None] = Future()
        self._inbox.put(lambda: self._scheduler.pause(paused, done))
        return done

    def close(self) -> None:
        """Fails what runs and waits, frees the model, and serves nothing more."""
        self._inbox.put(self._scheduler.close)

    def configure(self, *, budget_bytes: int | None, rest_seconds: float, unload_seconds: float) -> None:
        """Changes what counts from now on, the budget from the next load."""

        def change() -> None:  # as a command it also wakes the thread, which then waits for the new times
            self._scheduler.budget_bytes = budget_bytes
            self.rest_seconds, self.unload_seconds = rest_seconds, unload_seconds

        self._inbox.put(change)

    def grammars(self, folder: ModelFolder) -> Grammars | None:
        """Those of the model in this folder, if it is loaded."""
        return self._scheduler.grammars(folder)

    def _park(self) -> None:
        self.close()
        self._parked.wait(PARK_SECONDS)

    def _hung(self) -> None:
        """On the watchdog's thread: the engine thread does not come back, so nobody else touches its state."""
        try:
            self._scheduler.fail_all(EngineFailed("the engine hangs", reason="hung"))
        finally:  # whatever became of that: only a fresh process serves again
            self._on_hung()

    def _run(self) -> None:
        idle_since = time.monotonic()
        while True:
            self._watchdog.rest()
            if self._inbox.has_put_off or self._scheduler.has_work:
                self._guarded(self._turn)
                idle_since = time.monotonic()
                continue
            if self._scheduler.closed:
                self._parked.set()  # from here on requests are only refused, which touches no MLX
            self._guarded(partial(self._receive_idle, idle_since))

    def _turn(self) -> None:
        self._inbox.run_all()
        self._scheduler.turn()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # the thread never ends: what nobody foresaw fails what there is, and no more
            log.exception("The engine failed")
            self._scheduler.break_off(EngineFailed("the engine failed", reason=type(error).__name__))

    def _receive_idle(self, idle_since: float) -> None:
        """Waits for a command. What is not needed meanwhile is given back in time."""
        scheduler = self._scheduler
        held = scheduler.has_begun  # by a paused background
        rest = idle_since + self.rest_seconds if scheduler.has_lanes and not held else None
        unload = idle_since + self.unload_seconds if scheduler.has_model and not held else None
        until = min((at for at in (rest, unload, scheduler.grace_may_end) if at is not None), default=None)
        if self._inbox.wait(None if until is None else max(0.0, until - time.monotonic())):
            return
        now = time.monotonic()
        if rest is not None and now >= rest:
            scheduler.rest()
        if unload is not None and now >= unload:
            scheduler.unload_model()
