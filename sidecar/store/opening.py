"""From a file on disk to a connection to a database of this version: set-up, migrations, copies."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.errors import DatabaseRefused
from sidecar.store import check, recovery, search, words
from sidecar.store.transaction import transaction

if TYPE_CHECKING:
    import apsw

log = logging.getLogger(__name__)

BUSY_MILLISECONDS = 5000
"""How long another program that reads or copies the file is waited for."""
COPY_SECONDS = 24 * 3600
"""A copy is made at a start when the newest one is older."""
KEPT_COPIES = 3
COPY_NAME = re.compile(r"knowledge-focus-(\d{13})\.db")
"""With the milliseconds at which it was made."""


def opened(path: Path, copies: Path, builtin: Callable[[apsw.Connection], None]) -> apsw.Connection:
    """A connection to the database in the file `path`, of the newest version and checked. A damaged one is recovered
    (`recovery.py`).

    Raises:
        DatabaseRefused: it was made by a newer version of the app, or it is damaged and cannot be set aside.
        apsw.Error: it cannot be opened or written now.
    """
    import apsw

    copies.mkdir(mode=0o700, exist_ok=True)
    recovery.finish(path, copies)
    try:
        connection = _current(path, copies)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        log.error("the database is damaged: %r", error)
        recovery.recover(path, copies, _copies(copies), _milliseconds())
        connection = _current(path, copies)
    try:
        with transaction(connection):
            builtin(connection)
        _copy_if_due(connection, copies)
    except BaseException:
        connection.close()
        raise
    return connection


def migrations() -> list[str]:
    """The SQL that makes version n + 1 of version n, for n from 0."""
    folder = files("sidecar.store") / "migrations"
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    for number, entry in enumerate(found, 1):
        assert entry.name.startswith(f"{number:04}_"), f"{entry.name} is not number {number}"
    return [entry.read_text(encoding="utf-8") for entry in found]


def renew_copies(connection: apsw.Connection, copies: Path) -> None:
    """Makes a new copy, which has nothing of what was deleted since, then deletes all others and what was set aside,
    but not what nobody has read of yet.

    Raises:
        apsw.Error, OSError: the database is damaged, or the new copy cannot be made; all others stay.
    """
    import apsw

    copies.mkdir(mode=0o700, exist_ok=True)
    if found := check.damage(connection):
        raise apsw.CorruptError(found[0])
    kept = (_copy(connection, copies), *recovery.unread(copies))
    for path in copies.iterdir():
        if path not in kept and not path.is_dir():
            path.unlink()


def spared(copies: Path) -> list[Path]:
    """What `renew_copies` would leave, or put one as large in its place: the last copy, if there is one, and what
    nobody has read of yet."""
    if not copies.is_dir():
        return []
    return [*(path for _, path in _copies(copies)[-1:]), *recovery.unread(copies)]


def _current(path: Path, copies: Path) -> apsw.Connection:
    """Checked, of the newest version, and with an index that can be read."""
    import apsw

    connection = _connected(path)
    try:
        found = check.damage(connection)
        if not check.is_only_of_index(found):
            raise apsw.CorruptError(found[0])
        _migrate(connection, copies)
        _mend(connection, found)
    except BaseException:
        connection.close()
        raise
    return connection


def _mend(connection: apsw.Connection, index_of_words: Sequence[str]) -> None:
    import apsw

    try:
        check.mend_keys(connection)
        if index_of_words:
            log.error("the index of words is damaged, and made anew: %s", index_of_words[0])
            with transaction(connection):
                search.index_anew(connection)
    except (apsw.FullError, apsw.IOError, apsw.ConstraintError) as error:
        # Chats can be read without. The next start tries again.
        log.error("an index cannot be made anew now: %r", error)


def _connected(path: Path) -> apsw.Connection:
    import apsw

    try:
        return _set_up(path, "NORMAL")
    except apsw.IOError as error:
        if getattr(error, "extendedresult", None) != apsw.SQLITE_IOERR_SHMSIZE:
            raise
        log.error("there is no room for the index of the log: it is kept in memory")
        return _set_up(path, "EXCLUSIVE")


def _set_up(path: Path, locking: str) -> apsw.Connection:
    """With `locking` EXCLUSIVE no file is made beside it but an empty log, and no other program can read it."""
    import apsw

    connection = apsw.Connection(str(path))
    try:
        connection.execute(f"PRAGMA locking_mode = {locking}")
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        _refuse_newer(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        # A write is on disk before it is answered; on macOS only fullfsync has the drive do so, too.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        # What a person deleted is overwritten, not only left out.
        connection.execute("PRAGMA secure_delete = ON")
        # Views and triggers of a file that somebody else made call nothing: https://sqlite.org/security.html
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        words.register(connection)
    except BaseException:
        connection.close()
        raise
    path.chmod(0o600)
    return connection


def _refuse_newer(connection: apsw.Connection) -> None:
    version, newest = connection.pragma("user_version"), len(migrations())
    if version > newest:
        raise DatabaseRefused(
            f"the database has version {version}, this app knows {newest}", reason="newer", version=version
        )


def _migrate(connection: apsw.Connection, copies: Path) -> None:
    import apsw

    version, steps = connection.pragma("user_version"), migrations()
    if 0 < version < len(steps):
        _copy(connection, copies)
    try:
        _step(connection, steps, version)
    except apsw.SQLError:
        if not _is_newest(connection, steps):
            raise  # a fault of ours
        log.error("the number of the database's version rotted: it was %d", version)
        connection.pragma("user_version", len(steps))


def _step(connection: apsw.Connection, steps: Sequence[str], version: int) -> None:
    for number in range(version, len(steps)):
        with transaction(connection):
            connection.execute(steps[number])
            connection.execute(f"PRAGMA user_version = {number + 1}")
        log.info("the database has version %d now", number + 1)


def _is_newest(connection: apsw.Connection, steps: Sequence[str]) -> bool:
    """Whether the database has what all steps make, whatever version it says it has."""
    import apsw

    made = apsw.Connection(":memory:")
    try:
        words.register(made)
        for step in steps:
            made.execute(step)
        schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"
        return connection.execute(schema).fetchall() == made.execute(schema).fetchall()
    finally:
        made.close()


def _copy_if_due(connection: apsw.Connection, copies: Path) -> None:
    newest = max((made for made, _ in _copies(copies)), default=0)
    if abs(_milliseconds() - newest) > COPY_SECONDS * 1000:  # a clock that was wrong may have dated it ahead
        import apsw

        try:
            _copy(connection, copies)
        except (apsw.FullError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.IOError, OSError) as error:
            # Nobody is kept from their chats by that. The next start tries again.
            log.error("no copy of the database can be made now: %r", error)


def _copy(connection: apsw.Connection, copies: Path) -> Path:
    """Makes a copy under a name that counts only when it is whole, the newest whatever the clock says, and deletes the
    oldest ones."""
    part = copies / "unfinished.db"
    part.unlink(missing_ok=True)
    try:
        connection.execute("VACUUM INTO ?", (str(part),))
        part.chmod(0o600)
        recovery.sync(part)  # SQLite does not
        newest = max((made for made, _ in _copies(copies)), default=0)
        copy = part.rename(copies / f"knowledge-focus-{max(_milliseconds(), newest + 1):013}.db")
        recovery.sync(copies)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    for _, old in _copies(copies)[:-KEPT_COPIES]:
        old.unlink()
    return copy


def _copies(folder: Path) -> list[tuple[int, Path]]:
    """When each copy was made, and where it is; the newest last."""
    named = ((COPY_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in named if match)


def _milliseconds() -> int:
    return time.time_ns() // 10**6
