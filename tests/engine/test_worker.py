"""Pictures are opened in a child process, and nothing they hold harms more than it."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from sidecar.worker import limits
from sidecar.worker.picture import Picture, PictureError
from sidecar.worker.process import Worker
from tests.engine.pictures import ANY_SIZE, WAIT_SECONDS, encoded, heic, noise, opened, plain, refusal

ROOT = Path(__file__).parents[2]


def test_heic_is_opened_by_no_process_but_the_worker() -> None:
    script = (
        "import sys, io; from sidecar.worker.picture import Bounds; from sidecar.worker.process import Worker\n"
        "worker = Worker(); worker.picture(sys.stdin.buffer.read(), Bounds(1, 1, 1 << 20)).result(30); worker.close()\n"
        "print([name for name in sys.modules if 'heif' in name or name.startswith('PIL')])"
    )
    parent = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, input=heic(plain("red", (64, 64))), capture_output=True, timeout=30
    )

    assert parent.stdout.decode().strip() == "[]", parent.stderr.decode()


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address space")
def test_a_picture_beyond_the_memory_limit_is_refused_and_the_next_is_served() -> None:
    worker = Worker(memory_bytes=200 << 20)
    try:
        assert refusal(worker, encoded(Image.new("L", (9_000, 9_000)), "TIFF")) in (
            "too_much_memory",
            "decoder_crashed",
        )

        assert opened(worker, encoded(plain("red"))).width == 256
    finally:
        worker.close()


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address space")
def test_a_picture_has_a_gigabyte(worker: Worker) -> None:
    opened(worker, encoded(plain("red")))
    assert worker.pid is not None

    assert psutil.Process(worker.pid).rlimit(psutil.RLIMIT_AS) == (1 << 30, 1 << 30)


def test_a_picture_has_ten_seconds(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: list[float] = []
    timer = threading.Timer

    def noted(seconds: float, *arguments: Any) -> threading.Timer:
        allowed.append(seconds)
        return timer(seconds, *arguments)

    monkeypatch.setattr(threading, "Timer", noted)
    opened(worker, encoded(plain("red")))

    assert allowed == [10]


def test_a_picture_that_takes_too_long_is_refused_and_the_next_is_served() -> None:
    worker = Worker(picture_seconds=0.001)  # less than the start of the process takes
    try:
        assert refusal(worker, encoded(plain("red"))) == "too_slow"

        worker._picture_seconds = 30
        assert opened(worker, encoded(plain("red"))).width == 256
    finally:
        worker.close()


def test_a_worker_that_died_is_started_again() -> None:
    worker = Worker()
    try:
        opened(worker, encoded(plain("red")))
        first = worker.pid
        assert first is not None
        psutil.Process(first).kill()
        psutil.wait_procs([psutil.Process(first)] if psutil.pid_exists(first) else [], timeout=10)

        assert opened(worker, encoded(plain("red"))).width == 256
        assert worker.pid != first
    finally:
        worker.close()


class Held:
    """Which pictures a worker's child is asked for, in their order. The first waits for `go_on` before it is sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.first, self.go_on = threading.Event(), threading.Event()
        self.asked: list[bytes] = []
        self._exchange = Worker._exchange
        monkeypatch.setattr(Worker, "_exchange", staticmethod(self._held))

    def _held(self, child: Any, job: Any) -> Any:
        self.asked.append(job.data)
        if len(self.asked) == 1:
            self.first.set()
            assert self.go_on.wait(WAIT_SECONDS)
        return self._exchange(child, job)


def test_urgent_pictures_overtake_those_that_wait_and_the_one_that_is_being_opened(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = encoded(noise((200, 200)))
    alone = opened(worker, file)
    order: queue.SimpleQueue[str] = queue.SimpleQueue()
    held = Held(monkeypatch)

    def submit(name: str, *, urgent: bool) -> Future[Picture]:
        done = worker.picture(file, ANY_SIZE, urgent=urgent)
        done.add_done_callback(lambda _: order.put(name))
        return done

    submitted = [submit(f"later {number}", urgent=False) for number in range(3)]
    assert held.first.wait(WAIT_SECONDS)
    submitted += [submit(f"urgent {number}", urgent=True) for number in range(2)]
    held.go_on.set()

    ended = [order.get(timeout=WAIT_SECONDS) for _ in submitted]
    assert ended == ["urgent 0", "urgent 1", "later 0", "later 1", "later 2"]
    assert {done.result().digest for done in submitted} == {alone.digest}
    assert len(held.asked) == 6  # the one set aside twice


def test_a_picture_cancelled_while_it_is_set_aside_is_not_opened_again(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [encoded(plain(colour)) for colour in ("red", "green", "blue")]
    held = Held(monkeypatch)
    aside = worker.picture(files[0], ANY_SIZE)
    assert held.first.wait(WAIT_SECONDS)
    urgent = worker.picture(files[1], ANY_SIZE, urgent=True)

    aside.cancel()
    held.go_on.set()

    assert urgent.result(WAIT_SECONDS).width == 256
    assert worker.picture(files[2], ANY_SIZE).result(WAIT_SECONDS).width == 256
    assert held.asked == files


@pytest.mark.parametrize("cancelled_first", [True, False])
def test_an_urgent_picture_does_not_wait_for_one_that_was_given_up(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, cancelled_first: bool
) -> None:
    file = encoded(plain("red"))
    opened(worker, file)
    first = worker.pid
    held = Held(monkeypatch)
    given_up = worker.picture(file, ANY_SIZE, urgent=True)
    assert held.first.wait(WAIT_SECONDS)

    if cancelled_first:
        given_up.cancel()
    urgent = worker.picture(file, ANY_SIZE, urgent=True)
    given_up.cancel()
    held.go_on.set()

    assert urgent.result(WAIT_SECONDS).width == 256
    assert worker.pid != first
    assert len(held.asked) == 2


def test_a_picture_given_up_lets_go_of_its_file_before_its_turn(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    first = worker.picture(encoded(plain("red")), ANY_SIZE)
    assert held.first.wait(WAIT_SECONDS)
    given_up = worker.picture(encoded(plain("blue")), ANY_SIZE)

    given_up.cancel()
    kept = [job.data for job in worker._jobs.queue]
    held.go_on.set()

    assert kept == [b""]
    assert first.result(WAIT_SECONDS).width == 256


def test_a_picture_cancelled_while_it_is_opened_harms_nobody(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch)
    given_up = worker.picture(encoded(plain("red")), ANY_SIZE)
    assert held.first.wait(WAIT_SECONDS)

    given_up.cancel()
    held.go_on.set()

    assert worker.picture(encoded(plain("blue")), ANY_SIZE).result(WAIT_SECONDS).width == 256


def test_an_urgent_picture_that_comes_just_as_another_was_opened_meets_no_dying_process(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = encoded(plain("red"))
    urgent: list[Future[Picture]] = []
    exchange = Worker._exchange

    def watched(*arguments: Any) -> Any:
        answer = exchange(*arguments)
        if not urgent:
            urgent.append(worker.picture(file, ANY_SIZE, urgent=True))
        return answer

    monkeypatch.setattr(Worker, "_exchange", staticmethod(watched))
    first = worker.picture(file, ANY_SIZE).result(WAIT_SECONDS)

    assert urgent[0].result(WAIT_SECONDS).digest == first.digest


def test_a_worker_closed_with_a_picture_set_aside_refuses_that_too(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker()
    file = encoded(plain("red"))
    exchange = Worker._exchange
    begun: queue.SimpleQueue[threading.Event] = queue.SimpleQueue()

    def held(*arguments: Any) -> Any:
        go_on = threading.Event()
        begun.put(go_on)
        assert go_on.wait(WAIT_SECONDS)
        return exchange(*arguments)

    monkeypatch.setattr(Worker, "_exchange", staticmethod(held))
    aside = worker.picture(file, ANY_SIZE)
    first = begun.get(timeout=WAIT_SECONDS)
    urgent = worker.picture(file, ANY_SIZE, urgent=True)
    first.set()
    second = begun.get(timeout=WAIT_SECONDS)

    worker.close()
    second.set()

    for done in (aside, urgent):
        with pytest.raises(PictureError, match="closed"):
            done.result(WAIT_SECONDS)


def test_a_picture_cancelled_while_it_waits_is_not_opened(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [encoded(plain(colour)) for colour in ("red", "green", "blue")]
    held = Held(monkeypatch)
    first, second, third = (worker.picture(file, ANY_SIZE) for file in files)
    assert held.first.wait(WAIT_SECONDS)

    assert second.cancel()
    held.go_on.set()

    assert third.result(WAIT_SECONDS).width == first.result(WAIT_SECONDS).width
    assert held.asked == [files[0], files[2]]


def test_a_closed_worker_refuses_what_waits_and_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker()
    opened(worker, encoded(plain("red")))
    child = psutil.Process(worker.pid)
    held = Held(monkeypatch)
    waiting = [worker.picture(encoded(plain("red")), ANY_SIZE) for _ in range(3)]
    assert held.first.wait(WAIT_SECONDS)

    worker.close()
    held.go_on.set()

    for done in [*waiting, worker.picture(b"", ANY_SIZE)]:
        with pytest.raises(PictureError, match="closed"):
            done.result(WAIT_SECONDS)
    psutil.wait_procs([child], timeout=WAIT_SECONDS)
    assert worker.pid is None
    assert len(held.asked) == 1


def test_a_process_that_grows_beyond_the_watched_limit_ends_itself() -> None:
    """What bounds the worker where the system refuses a limit (macOS)."""
    script = (
        "from sidecar.worker import limits\n"
        "with limits.watched(150 << 20):\n"
        "    kept = []\n"
        "    while True: kept.append(b'x' * (1 << 20))"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=WAIT_SECONDS)

    assert ended.returncode == limits.EXIT_TOO_MUCH_MEMORY


def test_pictures_with_the_same_pixels_in_another_shape_have_another_digest() -> None:
    pixels = bytes(range(24))

    digests = {Picture(*size, pixels).digest for size in ((4, 2), (2, 4), (4, 2), (8, 1))}

    assert len(digests) == 3


def test_the_worker_dies_with_its_parent() -> None:
    script = (
        "import os; from sidecar.worker.picture import Bounds; from sidecar.worker.process import Worker\n"
        "from tests.engine.pictures import encoded, plain\n"
        "worker = Worker(); worker.picture(encoded(plain('red')), Bounds(1, 1, 1 << 20)).result(30)\n"
        "print(worker.pid, flush=True); os._exit(9)"
    )
    parent = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30)

    pid = int(parent.stdout)
    gone, alive = psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE], gone


def test_the_worker_gets_nothing_of_the_environment(worker: Worker) -> None:
    opened(worker, encoded(plain("red")))
    assert worker.pid is not None

    assert set(psutil.Process(worker.pid).environ()) <= {"MALLOC_ARENA_MAX", "LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
