"""Reading and writing."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sidecar.errors import DiskFull, StoreFailed
from sidecar.store import Database, setting
from tests.pipe import ROOT
from tests.unit.store.conftest import Opening, locked

WRITER = """
import asyncio, sys
from pathlib import Path
from sidecar.store import Database, setting

async def main():
    database = Database(Path(sys.argv[1]), Path(sys.argv[2]), lambda connection: None)
    for number in range(10**9):
        await database.write(setting.write, "number", number)
        print(number, flush=True)

asyncio.run(main())
"""


async def test_a_write_that_fails_half_way_changes_nothing(database: Database) -> None:
    def fail(connection: Any) -> None:
        setting.write(connection, "first", 1)
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        await database.write(fail)

    assert await database.read(setting.listed) == {}


@pytest.mark.parametrize("writes", [10, 47, 84])
async def test_what_was_answered_survives_a_kill(writes: int, path: Path, copies: Path, opening: Opening) -> None:
    answered = killed_after(writes, path, copies)

    with opening() as database:
        # The last one may have been written and not said yet.
        assert (await database.read(setting.listed))["number"] in (answered, answered + 1)
        assert database.recovery is None


def killed_after(writes: int, path: Path, copies: Path) -> int:
    """The last number that a process said it had written before it was killed."""
    command = [sys.executable, "-c", WRITER, str(path), str(copies)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        said = [writer.stdout.readline() for _ in range(writes)]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout
    return int(said[-1])


async def test_a_locked_database_is_told_and_works_again_afterwards(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.store.opening.BUSY_MILLISECONDS", 10)
    await database.open()

    with locked(path), pytest.raises(StoreFailed) as failed:
        await database.write(setting.write, "key", 1)

    assert failed.value.details["reason"] == "BusyError"
    await database.write(setting.write, "key", 2)
    assert await database.read(setting.listed) == {"key": 2}


async def test_a_full_disk_is_told_and_what_was_there_stays(database: Database) -> None:
    await database.write(setting.write, "key", 1)
    await database.read(lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchall())

    with pytest.raises(DiskFull):
        await database.write(setting.write, "large", "x" * 1_000_000)

    assert await database.read(setting.listed) == {"key": 1}


async def test_damage_that_is_met_while_it_is_open_is_told_and_recovered_at_the_next_start(
    opening: Opening, path: Path
) -> None:
    with opening() as database:
        await database.write(setting.write, "key", 1)
    with opening() as database:
        await database.read(lambda connection: connection.pragma("shrink_memory"))
        content = path.read_bytes()
        path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))

        with pytest.raises(StoreFailed) as failed:
            await database.read(setting.listed)

        assert failed.value.details["reason"] == "damaged"
    with opening() as database:
        await database.open()
        assert database.recovery is not None


async def test_a_folder_that_is_none_is_told_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    database = Database(tmp_path / "file" / "knowledge-focus.db", tmp_path / "copies", lambda _: None)
    try:
        with pytest.raises(StoreFailed):
            await database.open()
        (tmp_path / "file").unlink()
        (tmp_path / "file").mkdir()
        await database.write(setting.write, "key", 1)
    finally:
        database.close().result(timeout=10)
