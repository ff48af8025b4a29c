"""A job ends when it is cancelled, whatever it waits for."""

import asyncio
import threading

from sidecar.errors import Cancelled
from sidecar.models.job import Job
from sidecar.models.jobs import Jobs
from sidecar.models.progress import Progress


class Waiting(Job):
    """Waits on a thread for what does not come: as for a name to be looked up, or a slow disk to be flushed."""

    activity = "downloading"

    def __init__(self) -> None:
        super().__init__(Progress("tiny", 0, None, lambda event: None))
        self.begun = threading.Event()
        self.released = threading.Event()

    async def _work(self) -> None:
        await asyncio.to_thread(self._block)

    def _block(self) -> None:
        self.begun.set()
        self.released.wait(30)


async def test_a_cancel_does_not_wait_for_what_the_job_waits_for() -> None:
    ends: list[BaseException | None] = []
    job, jobs = Waiting(), Jobs()
    jobs.start("tiny", job, ends.append)
    try:
        await asyncio.to_thread(job.begun.wait, 10)
        await jobs.cancel("tiny")
        assert jobs.get("tiny") is None
        assert [type(end) for end in ends] == [Cancelled]
        assert not job.released.is_set()
    finally:
        job.released.set()


async def test_a_job_that_is_cancelled_before_it_runs_does_nothing() -> None:
    ends: list[BaseException | None] = []
    job, jobs = Waiting(), Jobs()
    job.cancel()
    jobs.start("tiny", job, ends.append)
    await jobs.wait("tiny")
    assert [type(end) for end in ends] == [Cancelled]
    assert not job.begun.is_set()
