"""The parent's side of the worker process."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from sidecar.worker import frames
from sidecar.worker.pictures import PictureError

log = logging.getLogger(__name__)

PICTURE_SECONDS = 10.0
MEMORY_BYTES = 1 << 30

# Isolated mode takes neither the environment's nor the working folder's modules; the project's root is given by hand.
_BOOT = "import sys; sys.path.insert(0, sys.argv.pop()); from sidecar.worker import child; child.main(int(sys.argv[1]))"
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Picture:
    """`rgb` holds width × height × 3 bytes, row by row from the top left."""

    width: int
    height: int
    rgb: bytes


class Worker:
    """One child process at a time, started when it is needed and again after it died.

    Its methods block; call them from a thread. They may be called from several: jobs are done one after the other.
    """

    def __init__(self, *, picture_seconds: float = PICTURE_SECONDS, memory_bytes: int = MEMORY_BYTES) -> None:
        self._picture_seconds = picture_seconds
        self._memory_bytes = memory_bytes
        self._child: subprocess.Popen[bytes] | None = None
        self._one_job = threading.Lock()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's process id while there is one."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def picture(self, data: bytes, max_pixels: int) -> Picture:
        """The picture file `data` as RGB pixels, at most `max_pixels` of them.

        Raises:
            PictureError: it cannot be used; see `PictureError` for the reasons.
        """
        with self._one_job:
            child = self._running_child()
            too_slow = threading.Event()

            def stop() -> None:
                too_slow.set()
                child.kill()

            timer = threading.Timer(self._picture_seconds, stop)
            timer.start()
            try:
                header, rgb = self._exchange(child, json.dumps({"maxPixels": max_pixels}).encode(), data)
            except (EOFError, OSError) as error:
                self._reap(child)
                reason = "too_slow" if too_slow.is_set() else "decoder_crashed"
                log.warning("Worker died, reason=%s, exit=%s", reason, child.returncode)
                raise PictureError(reason) from error
            finally:
                timer.cancel()
            answer = json.loads(header)
        if "refused" in answer:
            raise PictureError(answer["refused"])
        return Picture(answer["width"], answer["height"], rgb)

    def close(self) -> None:
        """Ends the child, also in the middle of a job, whose caller then gets `PictureError`."""
        self._closed = True
        if (child := self._child) is not None:
            child.kill()
            with self._one_job:  # which now ends
                self._reap(child)

    def _running_child(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise PictureError("decoder_crashed")
        child = self._child
        if child is not None and child.poll() is None:
            return child
        if child is not None:
            self._reap(child)
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-c", _BOOT, str(self._memory_bytes), str(_ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # decoders may print pieces of what they read
            env={"MALLOC_ARENA_MAX": "1"},  # glibc reserves 64 MB of address space for each further arena
        )
        return self._child

    @staticmethod
    def _exchange(child: subprocess.Popen[bytes], header: bytes, body: bytes) -> tuple[bytes, bytes]:
        assert child.stdin is not None
        assert child.stdout is not None
        frames.write_frame(child.stdin, header)  # type: ignore[arg-type]
        frames.write_frame(child.stdin, body)  # type: ignore[arg-type]
        child.stdin.flush()
        return frames.read_frame(child.stdout), frames.read_frame(child.stdout)  # type: ignore[arg-type]

    @staticmethod
    def _reap(child: subprocess.Popen[bytes]) -> None:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was still buffered for the dead child
                    continue
