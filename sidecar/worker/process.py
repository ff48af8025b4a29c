"""The parent's side of the worker process.

A person's picture does not wait for one of the background's: that one is set aside by ending the child, and opened
anew afterwards. A new child is there in 50 ms, while a picture of 24 megapixels takes up to 430 (measured); a second
child beside it would take a gigabyte of its own.
"""

from __future__ import annotations

import itertools
import json
import logging
import queue
import subprocess
import sys
import threading
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from sidecar.worker import frames, limits
from sidecar.worker.picture import Bounds, Picture, PictureError
from sidecar.worker.reaping import reap

log = logging.getLogger(__name__)

PICTURE_SECONDS = 10.0
MEMORY_BYTES = 1 << 30

# Of an answer. The largest picture that Qwen3-VL's processors let pass has 16.8 megapixels.
MAX_HEADER_BYTES = 4096
MAX_PIXEL_BYTES = 64 << 20

# Isolated mode takes neither the environment's nor the working folder's modules; the project's root is given by hand.
_BOOT = "import sys; sys.path.insert(0, sys.argv.pop()); from sidecar.worker import child; child.main(int(sys.argv[1]))"
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(order=True)
class _Job:
    """Jobs compare by whether a person waits, then by their arrival."""

    later: bool
    number: int
    data: bytes = field(compare=False)
    bounds: Bounds = field(compare=False)
    done: Future[Picture] = field(compare=False)

    def end(self, outcome: Picture | PictureError) -> None:
        """Tells who asked, unless that was taken back. Only here does the future begin to run: what waits, is under way
        or was set aside can be cancelled."""
        if not self.done.set_running_or_notify_cancel():
            return
        if isinstance(outcome, Picture):
            self.done.set_result(outcome)
        else:
            self.done.set_exception(outcome)

    def forget(self) -> None:
        """Lets go of its file, which may be 100 MB, before its turn to be passed over comes."""
        self.data = b""


@dataclass
class _UnderWay:
    """A job, and the child that does it."""

    job: _Job
    child: subprocess.Popen[bytes]
    broken_off: Literal["too_slow", "set_aside"] | None = None

    def break_off(self, why: Literal["too_slow", "set_aside"]) -> None:
        """From any thread: ends the child, and with it the job."""
        self.broken_off = self.broken_off or why
        self.child.kill()


class Worker:
    """One child process at a time, started when it is needed and again after it died.

    Jobs are done one after the other, urgent ones first: one that is not is set aside for them. Its methods may be
    called from any thread.
    """

    def __init__(self, *, picture_seconds: float = PICTURE_SECONDS, memory_bytes: int = MEMORY_BYTES) -> None:
        self._picture_seconds = picture_seconds
        self._memory_bytes = memory_bytes
        self._child: subprocess.Popen[bytes] | None = None
        self._jobs: queue.PriorityQueue[_Job] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._state = threading.Lock()  # over the next three, and over starting and killing the child
        self._under_way: _UnderWay | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it opens nothing more."""
        return self._closed

    @property
    def pid(self) -> int | None:
        """The child's process id while there is one."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def picture(self, data: bytes, bounds: Bounds, *, urgent: bool = False) -> Future[Picture]:
        """The picture file `data` as RGB pixels, resized to `fitted_size`. A future cancelled before its turn, or while
        it is set aside, costs nothing; one that is opened then is broken off once an urgent one waits.

        The future raises:
            PictureError: it cannot be used; see `PictureError` for the reasons.
        """
        job = _Job(not urgent, next(self._numbers), data, bounds, Future())
        with self._state:
            if self._closed:
                job.done.set_exception(PictureError("closed"))
                return job.done
            self._jobs.put(job)
            self._give_way()
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="worker", daemon=True)
                self._thread.start()
        job.done.add_done_callback(lambda _: self._ended(job))
        return job.done

    def close(self) -> None:
        """Ends the child, also in the middle of a job; that job and those that wait raise `PictureError`."""
        with self._state:
            self._closed = True
            if self._child is not None:
                self._child.kill()
            # Last in the queue, so that all who wait are told; it ends the thread.
            self._jobs.put(_Job(True, next(self._numbers), b"", Bounds(1, 1, 1), Future()))

    def _ended(self, job: _Job) -> None:
        job.forget()
        with self._state:
            self._give_way()

    def _give_way(self) -> None:
        """Breaks off what is opened for nobody, or not for a person, while one waits. `_state` must be held."""
        if self._under_way is not None and self._stands_aside(self._under_way.job):
            self._under_way.break_off("set_aside")

    def _stands_aside(self, job: _Job) -> bool:
        waits = any(not each.later and not each.done.cancelled() for each in list(self._jobs.queue))
        return waits and (job.later or job.done.cancelled())

    def _serve(self) -> None:
        while not (self._closed and self._jobs.empty()):
            job = self._jobs.get()
            if job.done.cancelled():
                job.done.set_running_or_notify_cancel()
            else:
                self._do(job)
            del job  # its bytes
        if self._child is not None:
            reap(self._child)

    def _do(self, job: _Job) -> None:
        try:
            outcome: Picture | PictureError | None = self._decoded(job)
        except PictureError as refused:
            outcome = refused
        except Exception:  # no process to be had, for one
            log.exception("Worker could not be asked")
            outcome = PictureError("decoder_crashed")
        if outcome is None:
            self._jobs.put(job)
        else:
            job.end(outcome)

    def _decoded(self, job: _Job) -> Picture | None:
        """None if it was set aside."""
        under_way = _UnderWay(job, self._running_child())
        with self._state:
            if self._stands_aside(job):
                return None  # somebody came since it was taken
            self._under_way = under_way
        timer = threading.Timer(self._picture_seconds, under_way.break_off, ["too_slow"])
        timer.start()
        try:
            width, height, rgb = self._exchange(under_way.child, job)
        except (EOFError, OSError, ValueError) as error:
            reap(under_way.child)
            if under_way.broken_off == "set_aside" and not self._closed:
                return None
            reason = self._cause_of_death(under_way)
            log.warning("Worker died, reason=%s, exit=%s", reason, under_way.child.returncode)
            raise PictureError(reason) from error
        finally:
            timer.cancel()
            timer.join()
            with self._state:
                self._under_way = None
            if under_way.broken_off:  # perhaps just after the answer: the next job must not meet a dying child
                reap(under_way.child)
        return Picture(width, height, rgb)

    def _cause_of_death(self, under_way: _UnderWay) -> str:
        if self._closed:
            return "closed"
        if under_way.broken_off == "too_slow":
            return "too_slow"
        return "too_much_memory" if under_way.child.returncode == limits.EXIT_TOO_MUCH_MEMORY else "decoder_crashed"

    def _running_child(self) -> subprocess.Popen[bytes]:
        child = self._child
        if child is not None and child.poll() is None and not self._closed:
            return child
        if child is not None:
            reap(child)
        with self._state:
            if self._closed:
                raise PictureError("closed")
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOT, str(self._memory_bytes), str(_ROOT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # decoders may print pieces of what they read
                env={"MALLOC_ARENA_MAX": "1"},  # glibc reserves 64 MB of address space for each further arena
            )
            return self._child

    @staticmethod
    def _exchange(child: subprocess.Popen[bytes], job: _Job) -> tuple[int, int, bytes]:
        """Width, height and pixels. What the child says is not trusted: a hostile file may have taken it over.

        Raises:
            PictureError: refused by the child.
            EOFError, OSError: the child died.
            ValueError: its answer is none.
        """
        assert child.stdin is not None
        assert child.stdout is not None
        frames.write_frame(child.stdin, json.dumps(asdict(job.bounds)).encode())  # type: ignore[arg-type]
        frames.write_frame(child.stdin, job.data)  # type: ignore[arg-type]
        child.stdin.flush()
        answer = json.loads(frames.read_frame(child.stdout, MAX_HEADER_BYTES))  # type: ignore[arg-type]
        rgb = frames.read_frame(child.stdout, MAX_PIXEL_BYTES)  # type: ignore[arg-type]
        match answer:
            case {"refused": str(reason)}:
                raise PictureError(reason)
            case {"width": int(width), "height": int(height)} if len(rgb) == width * height * 3:
                return width, height, rgb
        raise ValueError
