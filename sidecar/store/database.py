"""The connection, and the one thread that uses it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from sidecar.errors import DiskFull, StoreFailed
from sidecar.store import check, recovery, search
from sidecar.store.opening import opened, renew_copies
from sidecar.store.transaction import transaction

if TYPE_CHECKING:  # takes 20 ms to import: with the first use
    import apsw

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """Runs functions on the connection, one after the other, on a thread of its own.

    It is opened by `open`, or else by the first use; what fails for now (locked, no room) is tried again by the next.
    """

    def __init__(
        self,
        path: Path,
        copies: Path,
        builtin: Callable[[apsw.Connection], None],
        on_open: Callable[[apsw.Connection], None] | None = None,
    ) -> None:
        """`path` is the database's file, `copies` the folder for copies of it. `builtin` writes the rows that the app
        itself brings along, in a transaction of its own each time the database is opened. `on_open` is called on the
        database's thread when it is open, before anybody gets what they asked of it."""
        self._path = path
        self._copies = copies
        self._builtin = builtin
        self._on_open = on_open
        self._connection: apsw.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self.recovery: recovery.Recovery | None = None
        """What was done about a damaged file and the person has not read yet; known once it is open."""

    async def open(self) -> None:
        """Opens it, makes it what this version of the app expects, and recovers it if it is damaged.

        Raises:
            DatabaseRefused: it cannot be used.
            DiskFull: there is no room.
            StoreFailed: not now.
        """
        await self.read(_nothing)

    async def read(
        self, function: Callable[Concatenate[apsw.Connection, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """What `function(connection, …)` returns, which sees one state of the database and changes nothing.

        Raises:
            DatabaseRefused: it cannot be used.
            DiskFull: there is no room.
            StoreFailed: not now.
        """
        return await self._run("DEFERRED", lambda connection: function(connection, *arguments, **named))

    async def write(
        self, function: Callable[Concatenate[apsw.Connection, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """What `function(connection, …)` returns, all of whose changes are on disk then, or none if it raises.

        Raises:
            DatabaseRefused: it cannot be used.
            DiskFull: there is no room; nothing was changed.
            StoreFailed: not now; nothing was changed.
        """
        return await self._run("IMMEDIATE", lambda connection: function(connection, *arguments, **named))

    async def dismiss_recovery(self) -> None:
        """The person has read what was done about a damaged file; what was done about another is told then.

        Raises:
            StoreFailed: that cannot be noted now.
        """
        try:
            self.recovery = await asyncio.get_running_loop().run_in_executor(self._thread, self._forget_recovery)
        except OSError as error:
            raise StoreFailed(f"the record cannot be removed: {error!r}", reason=type(error).__name__) from error

    async def forget_deleted(self) -> None:
        """Takes what was deleted out of the log, too, which else has the old pages until it is written over.

        Raises:
            DatabaseRefused: it cannot be used.
            DiskFull: there is no room.
            StoreFailed: not now.
        """
        await self._run(None, lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())

    async def renew_copies(self) -> None:
        """Has one new copy take the place of all copies, and of what was set aside, but not of what is not read of yet.

        Raises:
            DatabaseRefused: it cannot be used.
            DiskFull: there is no room; the newest copy stays.
            StoreFailed: not now; the newest copy stays.
        """
        await self._run(None, lambda connection: renew_copies(connection, self._copies))

    def close(self) -> Future[None]:
        """Writes what is left in the log into the file. Later uses fail."""
        closed = self._thread.submit(self._close)
        self._thread.shutdown(wait=False)
        return closed

    async def _run(self, mode: str | None, work: Callable[[apsw.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, mode, work)

    def _transaction(self, mode: str | None, work: Callable[[apsw.Connection], T]) -> T:
        import apsw

        try:
            connection = self._connection or self._open()
            try:
                # Some things SQLite does only where there is no transaction.
                with nullcontext() if mode is None else transaction(connection, mode):
                    return work(connection)
            except (apsw.CorruptError, apsw.ConstraintError, check.UnindexedError) as error:
                # What an index says of itself, or what may be said of one.
                remedy = _remedy(error)
                if mode is None or remedy is None:
                    raise
                log.error("an index is made anew: %r", error)
                with transaction(connection):
                    remedy(connection)
                    return work(connection)
        except apsw.FullError as error:
            raise DiskFull("there is no room for the database") from error
        except (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError, check.UnindexedError) as error:
            # A page that rotted the next start finds, sets the file aside and takes the last copy.
            raise StoreFailed("the database is damaged", reason="damaged") from error
        except apsw.ConstraintError:
            raise  # a fault of ours
        except (apsw.Error, OSError) as error:
            raise StoreFailed(f"the database cannot be used now: {error!r}", reason=type(error).__name__) from error

    def _open(self) -> apsw.Connection:
        connection = opened(self._path, self._copies, self._builtin)
        try:
            self.recovery = recovery.told(self._copies)
            if self._on_open:
                self._on_open(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _forget_recovery(self) -> recovery.Recovery | None:
        if self.recovery is not None:
            recovery.forget(self._copies, self.recovery)
        return recovery.told(self._copies)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _remedy(error: Exception) -> Callable[[apsw.Connection], None] | None:
    import apsw

    if isinstance(error, check.UnindexedError):
        return check.indexes_anew
    match getattr(error, "extendedresult", None):
        # The index of words itself, or the triggers in its name.
        case apsw.SQLITE_CORRUPT_VTAB | apsw.SQLITE_CONSTRAINT_TRIGGER:
            return search.index_anew
        # Without more said, too: an index may lead to a row that is not there. A page that rotted is met again.
        case apsw.SQLITE_CORRUPT_INDEX | apsw.SQLITE_CORRUPT:
            return check.indexes_anew
    return None


def _nothing(_connection: apsw.Connection) -> None:
    return None
