"""`knowledge-focus serve` comes to its end in every way, at work and on its way up: soon nothing of it is left.

`QUITS=1000` has it end a thousand times; a run of all tests once in each way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.pipe import Pipe
from tests.provider import Provider
from tests.proxy.reaper import left_after, taking_in
from tests.proxy.serving import Served, command, serving
from tests.proxy.traffic import Client, picture
from tests.rpc.chatting import counting, served

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has others take an orphan in")

SECONDS = 5
"""After which nothing may be left."""

End = Callable[[psutil.Process], None]


def by(number: signal.Signals) -> End:
    return lambda program: program.send_signal(number)


def stopping(which: slice, then: signal.Signals) -> End:
    """Those of its processes are stopped, and notice nothing."""

    def end(program: psutil.Process) -> None:
        for process in program.children(recursive=True)[which]:
            process.suspend()
        program.send_signal(then)

    return end


def after_its_sidecar(program: psutil.Process) -> None:
    """The sidecar is killed, and the program ends while it starts the next one."""
    for sidecar in program.children():
        sidecar.kill()
    program.terminate()


SIGNALS = {number.name: by(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)}
YOUNG = SIGNALS | {"asked to leave while its sidecar is replaced": after_its_sidecar}
SIDECAR, WORKER = slice(0, 1), slice(1, 2)
AT_WORK = YOUNG | {
    "killed, and its sidecar is stopped": stopping(SIDECAR, signal.SIGKILL),
    "killed, and its worker is stopped": stopping(WORKER, signal.SIGKILL),
    "asked to leave, and its sidecar is stopped": stopping(SIDECAR, signal.SIGTERM),
}
EACH = max(1, int(os.environ.get("QUITS", "0")) // len([*YOUNG, *AT_WORK]))
RNG = random.Random(7)


@pytest.fixture(autouse=True)
def heeds_every_signal() -> Iterator[None]:
    """A shell has what it starts in the background ignore SIGINT, and nohup SIGHUP. So would what these tests start,
    until it has handlers of its own."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("end", AT_WORK.values(), ids=AT_WORK)
@pytest.mark.timeout(60 + 15 * EACH)
def test_nothing_is_left_of_one_that_ends_at_work(end: End, data_dir: Path) -> None:
    with taking_in(), Provider() as provider:
        provider.will(counting())
        with Pipe.sidecar(data_dir) as pipe:
            pipe.initialize()
            model = served(pipe, provider).model
        for _ in range(EACH):
            before = set(psutil.Process().children(recursive=True))
            with serving(data_dir) as program, asking_about_a_picture(program, model):
                processes = psutil.Process(program.process.pid)
                assert len(processes.children(recursive=True)) == 2, "the sidecar, and who opens pictures for it"
                end(processes)
                assert not left_after(SECONDS, before)
                assert program.process.wait(SECONDS) in (0, -signal.SIGKILL)
        assert_free(data_dir)


@contextmanager
def asking_about_a_picture(program: Served, model: str) -> Iterator[None]:
    """While the answer streams."""
    client = Client(program.port, program.token, model)
    try:
        client.ask([{"type": "image_url", "image_url": {"url": picture(64)}}], priority=1, stream=True)
        assert client.response().readline().startswith(b"data: ")
        yield
    finally:
        client.leave()


def assert_free(data_dir: Path) -> None:
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()


@pytest.mark.parametrize("end", YOUNG.values(), ids=YOUNG)
@pytest.mark.timeout(60 + 15 * EACH)
def test_nothing_is_left_of_one_that_ends_on_its_way_up(end: End, data_dir: Path) -> None:
    with taking_in():
        for _ in range(EACH):
            before = set(psutil.Process().children(recursive=True))
            with subprocess.Popen(command(data_dir, "--port", "0"), stdout=subprocess.DEVNULL) as program:
                try:
                    with pytest.raises(subprocess.TimeoutExpired):
                        program.wait(RNG.uniform(0, 1))
                    end(psutil.Process(program.pid))
                    assert not left_after(SECONDS, before)
                finally:
                    program.kill()  # one that stays is not waited for
        assert_free(data_dir)
