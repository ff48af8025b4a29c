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

log = logging.getLogger(__name__)

READY = "restored.db"
"""A whole copy that is to take the database's place."""
RECORD = "recovery.json"


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
    copied_at = _make_ready(made, copies / READY)
    aside = copies / f"damaged-{now:013}.db"
    _write(copies / RECORD, Recovery(aside, copied_at, now))
    try:
        # The log before the file: it must never lie beside the copy that comes.
        for suffix in ("-wal", "-shm"):
            if (beside := path.with_name(path.name + suffix)).exists():
                beside.rename(aside.with_name(aside.name + suffix))
        path.rename(aside)
    except OSError as error:
        raise DatabaseRefused(f"the damaged database cannot be set aside: {error!r}", reason="damaged") from error
    finish(path, copies)


def finish(path: Path, copies: Path) -> None:
    """Puts the copy that was made ready into the place of a database that was set aside."""
    if not path.exists() and (copies / READY).exists():
        (copies / READY).rename(path)


def told(copies: Path) -> Recovery | None:
    """What the person has not read yet."""
    try:
        record = json.loads((copies / RECORD).read_text(encoding="utf-8"))
        return Recovery(copies / record["setAside"], record["copiedAt"], record["recoveredAt"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        log.warning("the record of a recovery cannot be read: %r", error)
        return None


def forget(copies: Path) -> None:
    """The person has read it."""
    (copies / RECORD).unlink(missing_ok=True)


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
        found = source.pragma("quick_check")
        if found != "ok":
            raise apsw.CorruptError(found)
        source.execute("VACUUM INTO ?", (str(ready),))
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
