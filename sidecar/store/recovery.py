"""A damaged database: the newest copy that is whole takes its place, it is set aside, and that is told until the person
has read it.

A kill in between loses neither: the copy is made ready first, the record written second, and what was not finished is
finished at the next opening.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sidecar.errors import DatabaseRefused
from sidecar.store import check

log = logging.getLogger(__name__)

READY = "restored.db"
"""A whole copy that is to take the database's place."""
LOGS = ("-wal", "-shm")
"""What SQLite keeps beside a database's file."""


@dataclass(frozen=True)
class Recovery:
    """What was done about a damaged database. `set_aside` is where the damaged file was put; `copied_at` is when the
    copy that took its place was made, None where there was none and a new one was begun. Unix time in milliseconds."""

    set_aside: Path
    copied_at: int | None
    recovered_at: int


def recover(path: Path, copies: Path, made: Sequence[tuple[int, Path]], now: int) -> None:
    """Sets the damaged file `path` aside and puts the newest of the copies that is whole in its place. `made` says when
    each was made, the newest last.

    Raises:
        DatabaseRefused: it cannot be set aside.
        apsw.Error, OSError: no copy can be put there now, as where there is no room. The damaged file is where it was.
    """
    for record, earlier in _records(copies):
        if not earlier.set_aside.exists():  # a kill came before it was, or somebody took it away, who knows of it
            record.unlink()
    copied_at = _make_ready(made, copies / READY)
    recovery = Recovery(copies / f"damaged-{now:013}.db", copied_at, now)
    _write(copies / f"recovery-{now:013}.json", recovery)
    try:
        # The file before its log: a kill in between must not leave the file without what is in the log.
        path.rename(recovery.set_aside)
        _set_log_aside(path, recovery)
    except OSError as error:
        raise DatabaseRefused(f"the damaged database cannot be set aside: {error!r}", reason="damaged") from error
    finish(path, copies)


def finish(path: Path, copies: Path) -> None:
    """Puts the copy that was made ready into the place of a database that was set aside, after what is left of its log
    was set aside, too: it must never lie beside the copy that comes."""
    if path.exists():
        return
    if records := _records(copies):
        _set_log_aside(path, records[-1][1])
    if (copies / READY).exists():
        (copies / READY).rename(path)
    for folder in (copies, path.parent):
        sync(folder)


def told(copies: Path) -> Recovery | None:
    """What the person has not read yet, the oldest first."""
    return next((recovery for _, recovery in _records(copies)), None)


def forget(copies: Path, recovery: Recovery) -> None:
    """The person has read it."""
    for record, each in _records(copies):
        if each == recovery:
            record.unlink()


def unread(copies: Path) -> list[Path]:
    """The records of what the person has not read yet, and the files that were set aside then."""
    return [
        path
        for record, recovery in _records(copies)
        for path in (record, *(beside(recovery.set_aside, suffix) for suffix in ("", *LOGS)))
        if path.exists()
    ]


def beside(database: Path, suffix: str) -> Path:
    """What SQLite calls a file that belongs to a database's."""
    return database.with_name(database.name + suffix)


def sync(path: Path) -> None:
    """Has a file's content, or a folder's names, be on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _records(copies: Path) -> list[tuple[Path, Recovery]]:
    found = []
    for record in sorted(copies.glob("recovery*.json")):
        try:
            told = json.loads(record.read_text(encoding="utf-8"))
            found.append((record, Recovery(copies / told["setAside"], told["copiedAt"], told["recoveredAt"])))
        except (ValueError, KeyError, TypeError) as error:
            log.warning("the record of a recovery cannot be read: %r", error)
    return found


def _set_log_aside(path: Path, recovery: Recovery) -> None:
    for suffix in LOGS:
        there, aside = beside(path, suffix), beside(recovery.set_aside, suffix)
        if there.exists() and not aside.exists():
            there.rename(aside)


def _make_ready(made: Sequence[tuple[int, Path]], ready: Path) -> int | None:
    import apsw

    for copied_at, copy in reversed(made):
        ready.unlink(missing_ok=True)
        try:
            _restore(copy, ready)
        except (apsw.CorruptError, apsw.NotADBError) as error:
            log.error("a copy is damaged, too: %r", error)
        else:
            log.error("the copy of %d takes the place of the damaged database", copied_at)
            return copied_at
    ready.unlink(missing_ok=True)
    log.error("no copy can take the place of the damaged database: a new one is begun")
    return None


def _restore(copy: Path, ready: Path) -> None:
    import apsw

    source = apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        if not check.is_only_of_index(found := check.damage(source)):
            raise apsw.CorruptError(found[0])
        source.execute("VACUUM INTO ?", (str(ready),))
        sync(ready)  # SQLite does not
    except BaseException:
        ready.unlink(missing_ok=True)
        raise
    finally:
        source.close()


def _write(record: Path, recovery: Recovery) -> None:
    part = record.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(
            {
                "setAside": recovery.set_aside.name,
                "copiedAt": recovery.copied_at,
                "recoveredAt": recovery.recovered_at,
            },
            file,
        )
        file.flush()
        os.fsync(file.fileno())
    part.rename(record)
    sync(record.parent)
