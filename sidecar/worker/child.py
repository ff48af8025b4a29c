"""The worker process itself: reads one job after the other from stdin, answers on stdout, leaves with its parent."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading

from sidecar.parent import go_on_when_it_dies
from sidecar.worker import decoding, frames, limits
from sidecar.worker.picture import Bounds, PictureError


def main(memory_bytes: int) -> None:
    jobs = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a C library prints must not land between two frames
    limits.limit(memory_bytes)
    received: queue.SimpleQueue[tuple[bytes, bytes]] = queue.SimpleQueue()

    def receive() -> None:
        # A thread of its own, so that the parent's death ends us in the middle of a picture too.
        go_on_when_it_dies()
        try:
            while True:
                received.put((frames.read_frame(jobs), frames.read_frame(jobs)))
        except (EOFError, OSError, MemoryError):
            os._exit(0)

    threading.Thread(target=receive, daemon=True).start()
    while True:
        header, data = received.get()
        with limits.watched(memory_bytes):
            answer, body = _serve(Bounds(**json.loads(header)), data)
        del data
        try:
            frames.write_frame(answers, json.dumps(answer).encode())
            frames.write_frame(answers, body)
            answers.flush()
        except BrokenPipeError:
            os._exit(0)


def _serve(bounds: Bounds, data: bytes) -> tuple[dict[str, int | str], bytes]:
    try:
        image = decoding.decode(data, bounds)
    except PictureError as refused:
        return {"refused": refused.reason}, b""
    return {"width": image.width, "height": image.height}, image.tobytes()


if __name__ == "__main__":
    main(int(sys.argv[1]))
