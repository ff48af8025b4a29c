"""The jobs that run now: at most one for each model."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from sidecar.errors import Cancelled
from sidecar.models.job import Job

T = TypeVar("T")

CANCEL_SECONDS = 0.3
"""How long a cancel waits for the disk to let go; ordinarily it takes milliseconds."""
END_SECONDS = 2
"""How long that is waited for by what wants to begin then, and when the process leaves."""


@dataclass(frozen=True)
class _Running:
    job: Job
    end: "asyncio.Task[None]"


class Jobs:
    """Runs jobs, each on a daemon thread of its own. Use it from one event loop."""

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}
        self._cancels: Counter[str] = Counter()
        self._closed = False

    def get(self, model_id: str) -> Job | None:
        """The job that runs for a model, cancelled or not."""
        running = self._running.get(model_id)
        return running.job if running else None

    def wanted(self, model_id: str) -> Job | None:
        """The job that runs for a model, unless it was cancelled: one to join."""
        job = self.get(model_id)
        return None if job is None or job.is_cancelled else job

    def start(self, model_id: str, job: Job, on_end: Callable[[BaseException | None], None]) -> None:
        """Run a job for a model that has none. `on_end` is called when it no longer runs, with the error that ended
        it."""
        end = asyncio.get_running_loop().create_task(self._follow(model_id, job, on_end))
        self._running[model_id] = _Running(job, end)

    async def wait(self, model_id: str) -> None:
        """Return when the model has no job, and its `on_end` was called."""
        if running := self._running.get(model_id):
            await asyncio.wait({running.end})

    async def wait_if_cancelled(self, model_id: str) -> None:
        """Return when a model's job that was cancelled has ended, within limits; at once where there is none.

        Raises:
            Cancelled: somebody cancelled again meanwhile.
        """
        running = self._running.get(model_id)
        if running and running.job.is_cancelled:
            await self.prepare(model_id, asyncio.wait({running.end}, timeout=END_SECONDS))

    async def prepare(self, model_id: str, preparation: Awaitable[T]) -> T:
        """What `preparation` of a job comes to.

        Raises:
            Cancelled: the model's jobs were cancelled meanwhile: it must not begin.
        """
        before = self._cancels[model_id]
        prepared = await preparation
        if self._closed or self._cancels[model_id] != before:
            raise Cancelled("cancelled before it began")
        return prepared

    async def cancel(self, *model_ids: str) -> None:
        """Stop the jobs of these models and wait for them within limits; without any, those of all, for ever."""
        self._cancels.update(model_ids)
        self._closed = self._closed or not model_ids
        chosen = [each for model_id, each in self._running.items() if not model_ids or model_id in model_ids]
        for running in chosen:
            running.job.cancel()
        if chosen:
            limit = CANCEL_SECONDS if model_ids else END_SECONDS
            await asyncio.wait({running.end for running in chosen}, timeout=limit)

    async def _follow(self, model_id: str, job: Job, on_end: Callable[[BaseException | None], None]) -> None:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[BaseException | None] = loop.create_future()

        def settle(error: BaseException | None) -> None:
            if not ended.done():
                ended.set_result(error)

        def work() -> None:
            failure: BaseException | None = None
            try:
                job.run()
            except BaseException as error:
                failure = error
            with contextlib.suppress(RuntimeError):  # The loop is closed: the process is leaving.
                loop.call_soon_threadsafe(settle, failure)

        # A daemon: a disk that does not answer must not keep the process.
        threading.Thread(target=work, name=f"builtin-model-{job.activity}", daemon=True).start()
        try:
            error = await ended
        finally:
            job.cancel()
            del self._running[model_id]
        on_end(error)
