"""Opening a database: new, of another version, damaged."""

import sqlite3
from pathlib import Path

import apsw
import pytest

from sidecar.errors import DatabaseRefused, DiskFull, StoreFailed
from sidecar.store import Database, setting
from sidecar.store import opening as module
from tests.unit.store.conftest import Opening, damage

GOLDEN = Path(__file__).with_name("schema.sql")


async def kept(database: Database) -> dict[str, object]:
    return await database.read(setting.listed)


async def test_a_new_database_has_the_schema_that_is_written_down(database: Database, path: Path) -> None:
    await database.open()

    with sqlite3.connect(path) as connection:
        statements = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")]
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    assert f"-- version {version}\n\n" + ";\n\n".join(statements) + ";\n" == GOLDEN.read_text()


async def test_nobody_else_may_read_it(database: Database, path: Path, copies: Path) -> None:
    await database.write(setting.write, "key", 1)

    for file in (path, path.with_name(path.name + "-wal"), *copies.iterdir()):
        assert file.stat().st_mode & 0o777 == 0o600
    assert copies.stat().st_mode & 0o777 == 0o700


async def test_a_newer_database_is_refused_and_stays_as_it_is(opening: Opening, path: Path) -> None:
    with opening() as database:
        await database.open()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()

    with opening() as database, pytest.raises(DatabaseRefused) as refused:
        await database.open()

    assert refused.value.details == {"reason": "newer", "version": 99}
    assert path.read_bytes() == before


async def test_an_older_database_is_copied_and_then_brought_up_to_date(
    opening: Opening, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opening() as database:
        await database.write(setting.write, "key", "kept")
    before = set(copies.iterdir())
    steps = [*opening_steps(), "ALTER TABLE setting ADD COLUMN changed_at INTEGER"]
    monkeypatch.setattr("sidecar.store.opening.migrations", lambda: steps)

    with opening() as database:
        assert await kept(database) == {"key": "kept"}
        columns = await database.read(lambda connection: connection.execute("PRAGMA table_info(setting)").fetchall())
    assert [column[1] for column in columns] == ["key", "value", "changed_at"]
    (copy,) = set(copies.iterdir()) - before
    with sqlite3.connect(copy) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(steps) - 1,)
        assert connection.execute("SELECT value FROM setting").fetchone() == ('"kept"',)


async def test_a_step_that_fails_leaves_the_version_before(
    opening: Opening, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opening() as database:
        await database.open()
    steps = [*opening_steps(), "CREATE TABLE half (id TEXT); SELECT no_such_function()"]
    with monkeypatch.context() as patch:
        patch.setattr("sidecar.store.opening.migrations", lambda: steps)
        with opening() as database, pytest.raises(Exception, match="no_such_function"):
            await database.open()

    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(steps) - 1,)
        assert not connection.execute("SELECT * FROM sqlite_schema WHERE name = 'half'").fetchall()


async def test_a_damaged_database_is_set_aside_for_the_newest_copy(opening: Opening, path: Path, copies: Path) -> None:
    with opening() as database:
        await database.write(setting.write, "key", "copied")
    age_copies(copies)
    with opening() as database:  # makes the copy of today
        await database.write(setting.write, "key", "newer than the copy")
        assert database.recovery is None
    damage(path)

    with opening() as database:
        assert await kept(database) == {"key": "copied"}
        recovery = database.recovery

    assert recovery is not None
    assert recovery.copied_at == max(made for made, _ in opening_copies(copies))
    assert b"\xa5" * 4096 in recovery.set_aside.read_bytes()


async def test_a_recovery_is_told_until_somebody_has_read_of_it(opening: Opening, path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)
    with opening() as database:
        await database.open()
        told = database.recovery
    with opening() as database:
        await database.open()
        assert told is not None
        assert database.recovery == told
        await database.dismiss_recovery()
        assert database.recovery is None

    with opening() as database:
        await database.open()
        assert database.recovery is None


async def test_a_second_damage_is_told_after_the_first_was_read_of_and_copies_are_cleared_without_either_file(
    opening: Opening, path: Path, copies: Path
) -> None:
    for words in (b"first damage", b"second damage"):
        path.write_bytes(words * 1000)
        with opening() as database:
            await database.open()

    with opening() as database:
        await database.renew_copies()
        for words in (b"first damage", b"second damage"):
            assert database.recovery is not None
            assert database.recovery.set_aside.read_bytes().startswith(words)
            await database.dismiss_recovery()
        assert database.recovery is None
        await database.renew_copies()
    assert len(list(copies.iterdir())) == 1


async def test_where_there_is_no_room_for_the_copy_nothing_is_set_aside(
    opening: Opening, path: Path, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opening() as database:
        await database.write(setting.write, "key", "copied")
    age_copies(copies)
    with opening() as database:
        await database.open()
    damage(path)

    def full(*_: object) -> None:
        raise apsw.FullError

    with monkeypatch.context() as patch, opening() as database:
        patch.setattr("sidecar.store.recovery._restore", full)
        with pytest.raises(DiskFull):
            await database.open()
    assert b"\xa5" * 4096 in path.read_bytes()

    with opening() as database:
        assert await kept(database) == {"key": "copied"}


async def test_a_file_that_is_no_database_is_set_aside_and_a_new_one_is_begun_where_there_is_no_copy(
    database: Database, path: Path
) -> None:
    path.write_bytes(b"not a database" * 1000)

    await database.write(setting.write, "key", 1)

    assert await kept(database) == {"key": 1}
    assert database.recovery is not None
    assert database.recovery.copied_at is None
    assert database.recovery.set_aside.read_bytes().startswith(b"not a database")


async def test_a_damaged_copy_is_passed_over(opening: Opening, path: Path, copies: Path) -> None:
    with opening() as database:
        await database.write(setting.write, "key", "copied")
    age_copies(copies)
    with opening() as database:
        await database.open()
    good = max(opening_copies(copies))
    copies.joinpath(f"knowledge-focus-{good[0] + 1000:013}.db").write_bytes(b"\0" * 8192)
    damage(path)

    with opening() as database:
        assert await kept(database) == {"key": "copied"}
        assert database.recovery is not None
        assert database.recovery.copied_at == good[0]


async def test_a_copy_is_made_once_a_day_and_three_are_kept(opening: Opening, copies: Path) -> None:
    for _ in range(5):
        with opening() as database:
            await database.open()
        with opening() as database:
            await database.open()
        age_copies(copies)

    assert len(opening_copies(copies)) == 3
    assert len(list(copies.iterdir())) == 3


async def test_copies_dated_ahead_by_a_wrong_clock_keep_no_new_one_from_being_made(
    opening: Opening, copies: Path
) -> None:
    with opening() as database:
        await database.open()
    for copy in copies.iterdir():
        copy.unlink()
    for number in range(3):
        (copies / f"knowledge-focus-{9_000_000_000_000 + number}.db").write_bytes(b"old")

    with opening() as database:
        await database.open()

    *_, (_, newest) = opening_copies(copies)
    assert newest.read_bytes().startswith(b"SQLite format 3")
    assert len(opening_copies(copies)) == 3


async def test_of_a_damaged_database_no_copy_is_given_up_for_a_new_one(
    opening: Opening, path: Path, copies: Path
) -> None:
    with opening() as database:
        await database.write(setting.write, "key", "x" * 8_000_000)  # more than SQLite keeps in memory
        before = set(copies.iterdir())
        await database.forget_deleted()  # all is in the file now, and nothing of it in the log
        damage(path)
        with pytest.raises(StoreFailed):
            await database.renew_copies()

    assert set(copies.iterdir()) == before


def opening_steps() -> list[str]:
    return module.migrations()


def opening_copies(folder: Path) -> list[tuple[int, Path]]:
    return module._copies(folder)


def age_copies(folder: Path) -> None:
    """Makes each copy two days older."""
    for made, copy in module._copies(folder):
        copy.rename(folder / f"knowledge-focus-{made - 2 * 24 * 3600 * 1000:013}.db")
