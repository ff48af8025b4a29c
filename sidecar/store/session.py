"""Chats: `session`. What was said in them is `message.py`'s, finding them by words `search.py`'s."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sidecar.errors import InvalidRequest, SessionNotFound
from sidecar.store.text import bytes_of, pictures, readable

if TYPE_CHECKING:
    import apsw

TitledBy = Literal["question", "model", "person"]
CURSOR = re.compile(r"[0-9]{1,15}\.[0-9]{1,15}")
"""A page's end: when its last chat was gone on with, and that chat's number."""
COLUMNS = f"{bytes_of('id', 'title', 'titled_by')}, leaves_computer, created_at, updated_at"


@dataclass(frozen=True)
class Session:
    """A chat. `titled_by` is None as long as the title is empty; `leaves_computer` says whether anything in it was
    sent to another computer. Times are Unix time in milliseconds. `snippet` is where a search found it."""

    id: str
    title: str
    titled_by: TitledBy | None
    leaves_computer: bool
    created_at: int
    updated_at: int
    snippet: str | None = None


def now() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 10**6


def insert(connection: apsw.Connection) -> Session:
    """Begins a chat."""
    at = now()
    session = Session(str(uuid.uuid4()), "", None, leaves_computer=False, created_at=at, updated_at=at)
    connection.execute(
        "INSERT INTO session (id, title, titled_by, leaves_computer, created_at, updated_at) "
        "VALUES (?, '', NULL, 0, ?, ?)",
        (session.id, at, at),
    )
    return session


def get(connection: apsw.Connection, session_id: str) -> Session:
    """The chat of that id.

    Raises:
        SessionNotFound: there is none.
    """
    for row in connection.execute(f"SELECT {COLUMNS} FROM session WHERE id = ?", (session_id,)):  # noqa: S608 - ours
        return from_row(row)
    raise SessionNotFound("no such chat", id=session_id)


def listed(connection: apsw.Connection, cursor: str | None, limit: int) -> tuple[list[Session], str | None]:
    """The chats from the place `cursor` on, the last changed first, and the place where they go on.

    Raises:
        InvalidRequest: the cursor is none.
    """
    updated_at, number = _place(cursor) if cursor else (2**63 - 1, 2**63 - 1)
    rows = connection.execute(
        f"SELECT number, {COLUMNS} FROM session WHERE (updated_at, number) < (?, ?) "  # noqa: S608 - ours
        "ORDER BY updated_at DESC, number DESC LIMIT ?",
        (updated_at, number, limit + 1),
    ).fetchall()
    sessions = [from_row(row[1:]) for row in rows[:limit]]
    return sessions, f"{sessions[-1].updated_at}.{rows[limit - 1][0]}" if len(rows) > limit else None


def changed(connection: apsw.Connection, session_id: str, *, leaves_computer: bool = False) -> Session:
    """Notes that a chat went on, with `leaves_computer` that something of it was sent to another computer.

    Raises:
        SessionNotFound: there is none of that id.
    """
    connection.execute(
        "UPDATE session SET updated_at = ?, leaves_computer = max(leaves_computer, ?) WHERE id = ?",
        (now(), leaves_computer, session_id),
    )
    return get(connection, session_id)


def entitle(connection: apsw.Connection, session_id: str, title: str, by: TitledBy) -> Session:
    """Gives a chat a title; one that a person gave it is replaced by a person only.

    Raises:
        SessionNotFound: there is none of that id.
    """
    connection.execute(
        "UPDATE session SET title = ?, titled_by = ? WHERE id = ? AND (? = 'person' OR titled_by IS NOT 'person')",
        (title, by, session_id, by),
    )
    return get(connection, session_id)


def delete(connection: apsw.Connection, session_id: str) -> dict[str, int]:
    """Deletes a chat with all of its messages; says which attachments they had, and when the last one that had it was
    made.

    Raises:
        SessionNotFound: there is none of that id.
    """
    get(connection, session_id)
    attachments = connection.execute(
        f"SELECT {bytes_of('sha256')}, max(message.created_at) FROM session "  # noqa: S608 - ours
        "JOIN message ON message.session = session.number "
        "JOIN message_attachment ON message_attachment.message = message.number "
        "WHERE session.id = ? GROUP BY sha256",
        (session_id,),
    ).fetchall()
    connection.execute("DELETE FROM session WHERE id = ?", (session_id,))
    return pictures(attachments)


def from_row(row: Sequence[Any], snippet: str | None = None) -> Session:
    """A row of `COLUMNS`."""
    id_, title, titled_by, leaves_computer, created_at, updated_at = readable(row)
    return Session(id_, title, titled_by, bool(leaves_computer), created_at, updated_at, snippet)


def _place(cursor: str) -> tuple[int, int]:
    if not CURSOR.fullmatch(cursor):
        raise InvalidRequest("no cursor of ours", member="cursor")
    updated_at, number = cursor.split(".")
    return int(updated_at), int(number)
