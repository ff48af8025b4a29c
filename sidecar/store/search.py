"""Chats by the words in their titles and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sidecar.errors import InvalidRequest
from sidecar.store import words
from sidecar.store.session import COLUMNS, Session, from_row

if TYPE_CHECKING:
    import apsw

SNIPPET_WORDS = 24

# Each chat with the best of what was found in it (bm25: the smaller the better). A title tells more than a message, and
# the ranks of two tables cannot be compared: titles come first. (Joined: of a
# text that rotted the index may keep words when it is deleted; and the number of its chat may have rotted.)
FOUND = """
WITH hit (session, message, rank) AS (
    SELECT message.session, message.number, min(rank)
    FROM message_search JOIN message ON message.number = message_search.rowid
    WHERE message_search MATCH ?1 GROUP BY message.session
    UNION ALL
    SELECT session.number, NULL, rank - 1e6
    FROM session_search JOIN session ON session.number = session_search.rowid
    WHERE session_search MATCH ?1
)
SELECT session, message, min(rank) AS best FROM hit WHERE session IN (SELECT number FROM session)
GROUP BY session ORDER BY best, session DESC LIMIT ?2 OFFSET ?3
"""


def found(connection: apsw.Connection, text: str, cursor: str | None, limit: int) -> tuple[list[Session], str | None]:
    """The chats that have all words of `text`, the last of which may have only been begun, in their title or in one
    message; the best first, and the place where they go on.

    Raises:
        InvalidRequest: the cursor is none.
    """
    query = words.query(text)
    if query is None:
        return [], None
    offset = _offset(cursor)
    rows: list[Any] = connection.execute(FOUND, (query, limit + 1, offset)).fetchall()
    sessions = [_described(connection, query, session, message) for session, message, _ in rows[:limit]]
    return sessions, str(offset + limit) if len(rows) > limit else None


def index_anew(connection: apsw.Connection) -> None:
    """Reads all texts for the index again. Of one that rotted it had other words, and refuses to forget them: neither
    could its chat be renamed nor deleted."""
    connection.execute("INSERT INTO session_search (session_search) VALUES ('delete-all')")
    connection.execute("INSERT INTO session_search (rowid, title) SELECT number, title FROM session")
    connection.execute("INSERT INTO message_search (message_search) VALUES ('delete-all')")
    connection.execute(
        "INSERT INTO message_search (rowid, text) SELECT number, text FROM message_text JOIN message USING (number) "
        "WHERE state <> 'streaming'"
    )


def _described(connection: apsw.Connection, query: str, session: int, message: int | None) -> Session:
    table, rowid = ("session_search", session) if message is None else ("message_search", message)
    snippet: Any
    (snippet,) = connection.execute(
        f"SELECT CAST(snippet({table}, 0, '«', '»', '…', ?) AS BLOB) FROM {table} WHERE {table} MATCH ? AND rowid = ?",  # noqa: S608
        (SNIPPET_WORDS, query, rowid),
    ).fetchall()[0]
    row = connection.execute(f"SELECT {COLUMNS} FROM session WHERE number = ?", (session,)).fetchall()[0]  # noqa: S608
    # None where the message cannot be read any more.
    return from_row(row, None if snippet is None else snippet.decode(errors="replace"))


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > 9:
        raise InvalidRequest("no cursor of ours", member="cursor")
    return int(cursor)
