"""What was said in chats: `message`, and which attachments it has: `message_attachment`."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from sidecar.errors import MessageNotFound, SessionNotFound
from sidecar.store import session
from sidecar.store.check import UnindexedError
from sidecar.store.session import now
from sidecar.store.text import bytes_of, digits, pictures, readable
from sidecar.store.transaction import transaction

if TYPE_CHECKING:
    import apsw

log = logging.getLogger(__name__)

State = Literal["streaming", "complete", "interrupted"]
FinishReason = Literal["stop", "length"]
COLUMNS = (
    f"{bytes_of('message.id', 'session.id', 'role', 'parts', 'state', 'kind', 'model_name', 'provider_name')}, "
    f"message.leaves_computer, dropped_before, {bytes_of('finish_reason')}, gone_on, message.created_at, "
    f"{bytes_of('said')}"
)
PARTS = 3
"""The column of them: bytes, as all text here."""
FROM = "FROM message JOIN session ON session.number = message.session"


@dataclass(frozen=True)
class TextPart:
    """Words."""

    text: str


@dataclass(frozen=True)
class ImagePart:
    """A picture among the attachments, by the SHA-256 of its file in hexadecimal digits."""

    attachment: str


Part = TextPart | ImagePart


@dataclass(frozen=True)
class Message:
    """A question or an answer. `parts` is empty where they rotted on the disk and cannot be read any more. `kind` is
    the error with which an answer broke off; None where it was stopped; `said` what a provider said to that.
    `dropped_before` is how many of the oldest messages did not fit and were not read for it. `gone_on` is an answer
    that went on by itself after a crash."""

    session_id: str
    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]
    state: State = "complete"
    kind: str | None = None
    model_name: str | None = None
    provider_name: str | None = None
    leaves_computer: bool = False
    dropped_before: int = 0
    finish_reason: FinishReason | None = None
    gone_on: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: int = field(default_factory=now)
    said: str | None = None

    @property
    def text(self) -> str:
        """Its words, without its pictures."""
        return "\n".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def attachments(self) -> list[str]:
        """The pictures, in their order."""
        return [part.attachment for part in self.parts if isinstance(part, ImagePart)]

    def saying(self, text: str) -> Message:
        """The same answer with this text."""
        return replace(self, parts=(TextPart(text),))


def insert(connection: apsw.Connection, message: Message) -> None:
    """Adds a message at the end of its chat.

    Raises:
        SessionNotFound: the chat is not there.
    """
    connection.execute(
        "INSERT INTO message (id, session, role, parts, state, kind, model_name, provider_name, leaves_computer, "
        "dropped_before, finish_reason, gone_on, created_at, said) "
        "SELECT ?, number, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM session WHERE id = ?",
        (
            message.id,
            message.role,
            _written(message.parts),
            message.state,
            message.kind,
            message.model_name,
            message.provider_name,
            message.leaves_computer,
            message.dropped_before,
            message.finish_reason,
            message.gone_on,
            message.created_at,
            message.said,
            message.session_id,
        ),
    )
    if not connection.changes():
        raise SessionNotFound("no such chat", id=message.session_id)
    _attach(connection, message)


def update(connection: apsw.Connection, message: Message) -> bool:
    """Makes the message of that id what `message` says; False where it was deleted meanwhile."""
    connection.execute(
        "UPDATE message SET parts = ?, state = ?, kind = ?, model_name = ?, provider_name = ?, leaves_computer = ?, "
        "dropped_before = ?, finish_reason = ?, gone_on = ?, created_at = ?, said = ? WHERE id = ?",
        (
            _written(message.parts),
            message.state,
            message.kind,
            message.model_name,
            message.provider_name,
            message.leaves_computer,
            message.dropped_before,
            message.finish_reason,
            message.gone_on,
            message.created_at,
            message.said,
            message.id,
        ),
    )
    if not connection.changes():
        return False
    if message.role == "user":
        connection.execute(
            "DELETE FROM message_attachment WHERE message = (SELECT number FROM message WHERE id = ?)", (message.id,)
        )
        _attach(connection, message)
    return True


def get(connection: apsw.Connection, session_id: str, message_id: str) -> Message:
    """The message of that id in that chat.

    Raises:
        MessageNotFound: there is none.
    """
    sql = f"SELECT {COLUMNS} {FROM} WHERE session.id = ? AND message.id = ?"
    for row in connection.execute(sql, (session_id, message_id)):
        return _from_row(readable(row))
    # The keys of messages are too many to be compared with their index at each start.
    if connection.execute(
        f"SELECT 1 {FROM} WHERE session.id = ? AND +message.id = ?", (session_id, message_id)
    ).fetchone():
        raise UnindexedError
    raise MessageNotFound("no such message", id=message_id)


def page(
    connection: apsw.Connection, session_id: str, before: str | None, limit: int, max_bytes: int | None = None
) -> tuple[list[Message], bool]:
    """The newest messages of a chat, or the newest before that one, the oldest of them first; and whether there are
    older ones. There is one at least; with `max_bytes` further ones only as long as all together have no more.

    Raises:
        SessionNotFound: the chat is not there.
        MessageNotFound: there is no message `before`.
    """
    session.get(connection, session_id)
    if before is not None:
        get(connection, session_id, before)
    rows = connection.execute(
        f"SELECT {COLUMNS} {FROM} WHERE session.id = ? "  # noqa: S608 - ours
        "AND (? IS NULL OR message.number < (SELECT number FROM message WHERE id = ?)) "
        "ORDER BY message.number DESC LIMIT ?",
        (session_id, before, before, limit + 1),
    )
    found: list[Message] = []
    size = 0
    for row in rows:  # one by one, as a chat may be larger than memory
        size += len(row[PARTS])
        if len(found) == limit or (found and max_bytes is not None and size > max_bytes):
            return found[::-1], True
        found.append(_from_row(readable(row)))
    return found[::-1], False


def delete_from(connection: apsw.Connection, first: Message) -> dict[str, int]:
    """Deletes a message and all that came after it in its chat; says which attachments they had, and when the last one
    that had it was made."""
    return _delete(connection, first, "message.number >=")


def delete_after(connection: apsw.Connection, last: Message) -> dict[str, int]:
    """Deletes all that came after a message in its chat; says what `delete_from` says."""
    return _delete(connection, last, "message.number >")


def interrupt_streaming(connection: apsw.Connection, kind: str | None, session_id: str | None = None) -> int:
    """Notes that no answer streams any more, in that chat or in any; says how many did."""
    connection.execute(
        "UPDATE message SET state = 'interrupted', kind = ? WHERE state = 'streaming' "
        "AND (? IS NULL OR session = (SELECT number FROM session WHERE id = ?))",
        (kind, session_id, session_id),
    )
    return connection.changes()


def interrupt_left(connection: apsw.Connection, kind: str) -> list[tuple[str, str]]:
    """Notes when the database was opened that no answer streams any more; says which may go on by themselves, by the
    ids of chat and message. Without room for that chats can be read, and the next opening tries again: whoever reads
    one knows that nobody writes it."""
    import apsw

    sql = f"SELECT {bytes_of('session.id', 'message.id')} {FROM} WHERE state = 'streaming' AND NOT gone_on"
    try:
        with transaction(connection):
            left = [readable(row) for row in connection.execute(sql)]
            interrupt_streaming(connection, kind)
    except (apsw.FullError, apsw.IOError) as error:
        log.error("answers that broke off cannot be marked now: %r", error)
        return []
    return [(session_id, message_id) for session_id, message_id in left]


def unused(connection: apsw.Connection, attachments: Iterable[str]) -> list[str]:
    """Those attachments that no message has."""
    return [
        sha256
        for sha256 in dict.fromkeys(attachments)
        if connection.execute("SELECT 1 FROM message_attachment WHERE sha256 = ? LIMIT 1", (sha256,)).fetchone() is None
    ]


def _delete(connection: apsw.Connection, message: Message, comparison: str) -> dict[str, int]:
    which = (
        f"{comparison} (SELECT number FROM message WHERE id = ?) "  # noqa: S608 - ours
        "AND message.session = (SELECT number FROM session WHERE id = ?)"
    )
    arguments = (message.id, message.session_id)
    attachments = connection.execute(
        f"SELECT {bytes_of('sha256')}, max(created_at) FROM message JOIN message_attachment "  # noqa: S608 - ours
        f"ON message_attachment.message = message.number WHERE {which} GROUP BY sha256",
        arguments,
    ).fetchall()
    connection.execute(f"DELETE FROM message WHERE {which}", arguments)  # noqa: S608 - ours
    return pictures(attachments)


def _attach(connection: apsw.Connection, message: Message) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO message_attachment (message, sha256) SELECT number, ? FROM message WHERE id = ?",
        [(sha256, message.id) for sha256 in message.attachments],
    )


def _written(parts: Sequence[Part]) -> str:
    return json.dumps(
        [
            {"type": "text", "text": part.text}
            if isinstance(part, TextPart)
            else {"type": "image", "attachment": part.attachment}
            for part in parts
        ],
        ensure_ascii=False,
    )


def _from_row(row: Sequence[Any]) -> Message:
    """A row of `COLUMNS`, readable."""
    id_, session_id, role, parts, state, kind, model, provider, leaves, dropped, reason, gone_on, created_at, said = row
    return Message(
        session_id,
        "user" if role == "user" else "assistant",
        _read(parts),
        state if state in get_args(State) else "complete",
        kind,
        model,
        provider,
        bool(leaves),
        dropped,
        reason if reason in get_args(FinishReason) else None,
        bool(gone_on),
        id_,
        created_at,
        said,
    )


def _read(parts: str) -> tuple[Part, ...]:
    try:
        # Not strict: a letter that became a control character is one letter less, and no more.
        return tuple(_part(**part) for part in json.loads(parts, strict=False))
    except (ValueError, TypeError, RecursionError) as error:
        log.error("a message cannot be read any more: %s", type(error).__name__)
        return ()


def _part(*, type: str, text: str | None = None, attachment: str | None = None) -> Part:  # noqa: A002 - as written
    if type == "text" and isinstance(text, str):
        return TextPart(text)
    if type == "image" and isinstance(attachment, str):
        return ImagePart(digits(attachment))
    raise ValueError("no part of a message")
