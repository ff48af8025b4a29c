"""A download keeps the computer from falling asleep, and outlasts one that slept all the same."""

import asyncio
import os
import shlex
import shutil
import sys
import time
from pathlib import Path

import psutil
import pytest

from sidecar.models import Catalog, Models
from sidecar.models.awake import Wakes, kept_awake, seconds_slept
from sidecar.models.catalog import BuiltinModel
from tests.hub import Hub, faults, write_catalog
from tests.pipe import Pipe
from tests.unit.models.conftest import LIMITS, PATIENCE, REPOSITORY, Recorder

NAME = {"darwin": "caffeinate", "linux": "systemd-inhibit"}.get(sys.platform)

pytestmark = pytest.mark.skipif(NAME is None, reason="no way to hold off sleep is known here")


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A named pipe into which what stands here for the system's own program writes its process."""
    (tmp_path / "bin").mkdir()
    seen = tmp_path / "seen"
    os.mkfifo(seen)
    program = tmp_path / "bin" / str(NAME)
    # It takes its options and runs the rest, as both of the real ones do.
    program.write_text(
        f'#!/bin/sh\necho "$$" > {shlex.quote(str(seen))}\nwhile [ "${{1#-}}" != "$1" ]; do shift; done\nexec "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return seen


def holder(seen: Path) -> psutil.Process:
    """The program; waits until it runs."""
    return psutil.Process(int(seen.read_text()))


async def test_a_download_holds_off_sleep_until_it_ends(
    models: Models, recorder: Recorder, hub: Hub, seen: Path
) -> None:
    hub.fault(faults.stall(after=100_000), on="get", times=1)
    await models.download()
    holding = await asyncio.to_thread(holder, seen)
    assert holding.is_running()
    assert (await recorder.end()).status == "completed"
    holding.wait(PATIENCE)


def test_a_cancel_does_not_wait_for_a_program_that_does_not_want_to_end(
    data_dir: Path, tmp_path: Path, folder: Path, seen: Path
) -> None:
    program = seen.parent / "bin" / str(NAME)
    program.write_text(f"#!/bin/sh\ntrap '' TERM HUP INT\necho \"$$\" > {shlex.quote(str(seen))}\nexec sleep 600\n")
    with Hub({REPOSITORY: folder}) as hub:
        hub.fault(faults.no_answer())
        catalog = write_catalog(tmp_path / "catalog.json", hub.url, folder)
        with Pipe.sidecar(data_dir, catalog) as sidecar:
            sidecar.initialize()
            sidecar.request("models/download")
            holding = holder(seen)
            hub.wait_until(lambda: len(hub.log) == 1, PATIENCE)
            since = time.monotonic()
            assert sidecar.request("models/cancelDownload")["state"] == "absent"
            assert time.monotonic() - since <= 0.5
            holding.wait(PATIENCE)


def test_a_killed_sidecar_no_longer_holds_off_sleep(data_dir: Path, tmp_path: Path, folder: Path, seen: Path) -> None:
    with Hub({REPOSITORY: folder}) as hub:
        hub.fault(faults.stall(after=0), on="info")
        catalog = write_catalog(tmp_path / "catalog.json", hub.url, folder)
        with Pipe.sidecar(data_dir, catalog) as sidecar:
            sidecar.initialize()
            sidecar.request("models/download")
            holding = holder(seen)
            sidecar.process.kill()
            holding.wait(PATIENCE)


@pytest.mark.parametrize("program", ["exit 1", "", None], ids=["refuses", "ends", "missing"])
async def test_where_sleep_cannot_be_held_off_nothing_else_happens(
    models: Models, recorder: Recorder, seen: Path, program: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = seen.parent / "bin" / str(NAME)
    if program is None:
        monkeypatch.setenv("PATH", str(seen.parent / "nowhere"))
    else:
        file.write_text(f"#!/bin/sh\n{program}\n")
    await models.download()
    assert (await recorder.end()).status == "completed"


@pytest.mark.skipif(NAME is None or shutil.which(str(NAME)) is None, reason="the program is not there")
def test_the_real_program_takes_these_options() -> None:
    with kept_awake():
        pass


def test_a_wake_counts_for_a_while() -> None:
    slept, now = 0.0, 100.0
    wakes = Wakes(60, slept=lambda: slept, now=lambda: now)
    assert not wakes.is_recent()
    slept = 0.5  # the clocks are read one after the other
    assert not wakes.is_recent()
    slept = 3600.0
    assert wakes.is_recent()
    now = 159.0
    assert wakes.is_recent()
    now = 161.0
    assert not wakes.is_recent()


def test_this_computer_did_not_sleep_during_the_test() -> None:
    assert 0 <= seconds_slept() < 10**9
    assert not Wakes(60).is_recent()


async def test_after_a_wake_no_failure_counts(
    root: Path, model: BuiltinModel, recorder: Recorder, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = LIMITS.attempts * 2
    hub.fault(faults.cut(after=0), on="get", path="model.safetensors", times=tries)
    slept = 0.0

    def awoken(patience: float) -> Wakes:
        nonlocal slept
        wakes = Wakes(patience, slept=lambda: slept)
        slept = 3600.0
        return wakes

    monkeypatch.setattr("sidecar.models.download.Wakes", awoken)
    models = Models(root=root, catalog=Catalog((model,)), notify=recorder, limits=LIMITS)
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert len(hub.requests("get", "model.safetensors")) == tries + 1
    await models.close()
