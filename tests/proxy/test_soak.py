"""Requests of every sort while the sidecar is killed again and again.

`SOAK=10000` makes so many, with a kill every 15 to 25 s; a run of all tests makes a few hundred, with three kills. The
real engine answers, on a small model: what a kill can leave half done is the engine's, the worker's and the database's,
and an engine that costs nothing would have none of it.

With `SOAK_WINDOW=1` the program is the app with its window, whose shell is another one. Of that only the shell's own
process is measured: WebKit's are others."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.e2e import native_dialog
from tests.e2e.display import virtual_display
from tests.e2e.keyring import open_keyring
from tests.e2e.other_programs import QUESTION, SECTION, SWITCH, copied_token, free_port
from tests.e2e.preferences import open_settings
from tests.e2e.window import open_window
from tests.proxy.serving import serving
from tests.proxy.traffic import DECK, Ended, Traffic
from tests.rpc.asking import MODEL

SOAK = int(os.environ.get("SOAK", "300"))
WINDOW = os.environ.get("SOAK_WINDOW") == "1"
WHOLE = SOAK >= 10_000
PAUSE_SECONDS = (12.0, 22.0) if WHOLE else (1.0, 2.0)
"""Between the first answer and the kill; a restart and the model's load take some three more."""
KILLS = SOAK if WHOLE else 3
"""At most: the supervisor gives up after five within a minute of sidecars that were as young as this."""
FIRST = max(SOAK // 10, sum(DECK.values()))
"""Requests before memory is looked at: every sort has been had by then."""
MOST_GROWTH = 10e6 if WHOLE else 30e6
"""Bytes, after the first requests. Of so few as are made by default not every one of the allocator's largest moments is
past by then: that is worth 12 MB or so, seen in two runs of five; of the large pictures alone many more go by."""


@dataclass(frozen=True)
class Soaked:
    """The process that holds shell and proxy, and how others reach that."""

    shell: psutil.Process
    port: int
    token: str


@pytest.mark.timeout(120 + SOAK // 2)
def test_over_many_requests_and_kills_each_request_ends_well_and_the_proxy_does_not_grow(
    model_data: Path, model_catalog: Path, tmp_path: Path
) -> None:
    running = with_its_window(model_data, model_catalog, tmp_path) if WINDOW else alone(model_data, model_catalog)
    with running as soaked:
        traffic = Traffic(soaked.port, soaked.token, MODEL, seed=SOAK)
        with killing_its_sidecar(soaked.shell, traffic) as killed:
            traffic.run(FIRST)
            before = soaked.shell.memory_info().rss
            traffic.run(max(0, SOAK - FIRST))
            while len(killed) < min(KILLS, 3):
                traffic.run(1)
        after = soaked.shell.memory_info().rss
        print(f"\n{len(killed)} kills; the proxy {before / 1e6:.1f} MB, then {after / 1e6:.1f}")
        for (sort, ended), count in sorted(traffic.ends.items(), key=str):
            print(f"{count:6} {sort}: {ended.value}")
        assert {sort.__name__ for sort in DECK} == {sort for sort, ended in traffic.ends if ended != Ended.RETRYABLE}
        assert after - before <= MOST_GROWTH


@contextmanager
def alone(data_dir: Path, catalog: Path) -> Iterator[Soaked]:
    with serving(data_dir, catalog=catalog) as served:
        yield Soaked(psutil.Process(served.process.pid), served.port, served.token)


@contextmanager
def with_its_window(data_dir: Path, catalog: Path, home: Path) -> Iterator[Soaked]:
    """Let in by the person, who pastes the token."""
    port = free_port()
    arguments = ["--data-dir", str(data_dir), "--catalog", str(catalog)]
    with (
        virtual_display() as display,
        open_keyring(home) as variables,
        open_window(arguments, display=display, pictures=home, home=home, variables=variables) as window,
    ):
        window.by_role("button", "Settings")
        assert window.invoke("proxy_set", {"choice": {"on": False, "port": port, "socket": False}})["answer"]
        open_settings(window, SECTION)
        window.click("switch", SWITCH)
        native_dialog.answer(display, QUESTION, *native_dialog.YES)
        yield Soaked(window.app, port, copied_token(window))


@contextmanager
def killing_its_sidecar(program: psutil.Process, traffic: Traffic) -> Iterator[list[int]]:
    """Kills the sidecar of the program again and again, each some time after its first answer: on a busy machine a
    model may take longer to load than there is between two kills. Yields the processes that were killed."""
    rng = random.Random(SOAK)
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        while len(killed) < KILLS:
            traffic.answered.wait()
            if over.wait(rng.uniform(*PAUSE_SECONDS)):
                return
            for sidecar in sidecars(program):
                sidecar.kill()
                killed.append(sidecar.pid)
            traffic.answered.clear()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        traffic.answered.set()
        thread.join()


def sidecars(program: psutil.Process) -> list[psutil.Process]:
    """Not what WebKit has started."""
    found = []
    for child in program.children():
        with suppress(psutil.NoSuchProcess):  # it has gone meanwhile
            if "python" in child.name():
                found.append(child)
    return found
