"""`sessions/…`, and what happens in chats as it crosses the pipe."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from sidecar.chat import Sessions
from sidecar.chat import Turn as Begun
from sidecar.protocol import sessions as message
from sidecar.protocol.message import NoParams, NoResult
from sidecar.rpc.dispatch import Bound, Call
from sidecar.store.message import ImagePart, Message, Part, TextPart
from sidecar.store.session import Session

Params = TypeVar("Params", bound=BaseModel)


def bind(*, sessions: Sessions, take_left: Callable[[], Sequence[tuple[str, str]]]) -> Sequence[Bound[Any, Any]]:
    """`take_left` gives the answers that the process before this one left unfinished, once: ids of chat and message."""

    async def list_(params: message.ListParams, _call: Call) -> message.SessionsResult:
        listed, cursor = await sessions.listed(params.search, params.cursor, params.limit)
        return message.SessionsResult(sessions=tuple(_session(each) for each in listed), cursor=cursor)

    async def create(_params: NoParams, _call: Call) -> message.SessionResult:
        return message.SessionResult(session=_session(await sessions.create()))

    async def rename(params: message.RenameParams, _call: Call) -> message.SessionResult:
        return message.SessionResult(session=_session(await sessions.rename(params.session_id, params.title)))

    async def delete(params: message.SessionParams, _call: Call) -> NoResult:
        await sessions.delete(params.session_id)
        return NoResult()

    async def messages(params: message.MessagesParams, _call: Call) -> message.MessagesResult:
        page, more = await sessions.messages(params.session_id, params.before, params.limit)
        return message.MessagesResult(messages=tuple(_message(each) for each in page), more=more)

    async def send(params: message.SendParams, _call: Call) -> message.TurnResult:
        return _turn(await sessions.send(params.session_id, _parts(params.parts), params.model))

    async def regenerate(params: message.AnewParams, _call: Call) -> message.TurnResult:
        given = params.accept
        return _turn(await sessions.regenerate(params.session_id, params.message_id, params.model, accept=given))

    async def continue_(params: message.AnswerParams, _call: Call) -> message.TurnResult:
        return _turn(await sessions.continue_(params.session_id, params.message_id, params.model))

    async def edit(params: message.EditParams, _call: Call) -> message.TurnResult:
        parts, given = _parts(params.parts), params.accept
        return _turn(await sessions.edit(params.session_id, params.message_id, parts, params.model, accept=given))

    async def stop(params: message.SessionParams, _call: Call) -> NoResult:
        await sessions.stop(params.session_id)
        return NoResult()

    async def resume(_params: NoParams, _call: Call) -> NoResult:
        await sessions.resume(take_left())
        return NoResult()

    return (
        Bound(message.LIST, list_),
        Bound(message.CREATE, create, finishes=True),
        Bound(message.RENAME, rename, finishes=True),
        Bound(message.DELETE, delete, finishes=True),
        Bound(message.MESSAGES, messages),
        Bound(message.SEND, send),
        Bound(message.REGENERATE, regenerate),
        Bound(message.CONTINUE, continue_),
        Bound(message.EDIT, edit),
        Bound(message.STOP, stop),
        Bound(message.RESUME, resume),
    )


class Notifier:
    """Tells the window what happens in chats."""

    def __init__(self, post: Callable[..., None]) -> None:
        """`post` sends a notification in its turn: `Server.post`."""
        self._post = post

    def said(self, answer: Message, offset: int, text: str) -> None:
        self._event(answer, message.AnswerDelta(offset=offset, text=text))

    def changed(self, answer: Message) -> None:
        self._event(answer, message.MessageChanged(message=_message(answer)))

    def session_changed(self, session: Session) -> None:
        self._post(message.CHANGED, message.SessionResult(session=_session(session)), subject=session.id)

    def _event(self, of: Message, event: message.AnswerDelta | message.MessageChanged) -> None:
        self._post(message.EVENT, message.EventParams(session_id=of.session_id, message_id=of.id, event=event))


def _session(session: Session) -> message.Session:
    return message.Session.model_validate(session, from_attributes=True)


def _turn(turn: Begun) -> message.TurnResult:
    return message.TurnResult(question=_message(turn.question), answer=_message(turn.answer))


def _message(kept: Message) -> message.ChatMessage:
    return message.ChatMessage(
        id=kept.id,
        session_id=kept.session_id,
        role=kept.role,
        parts=tuple(
            message.ChatText(text=part.text)
            if isinstance(part, TextPart)
            else message.ChatImage(attachment=part.attachment)
            for part in kept.parts
        ),
        state=kept.state,
        kind=kept.kind,
        said=kept.said,
        model_name=kept.model_name,
        provider_name=kept.provider_name,
        leaves_computer=kept.leaves_computer,
        dropped_before=kept.dropped_before,
        finish_reason=kept.finish_reason,
        created_at=kept.created_at,
    )


def _parts(parts: Sequence[message.AskedPart]) -> tuple[Part, ...]:
    return tuple(
        TextPart(part.text) if isinstance(part, message.ChatText) else ImagePart(part.attachment) for part in parts
    )
