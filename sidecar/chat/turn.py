"""The beginning of a turn: who answers, and the rows that are there before anything is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sidecar.chat import title
from sidecar.chat.context import Context
from sidecar.engine import GenerationRequest, RequestPriority
from sidecar.routing import Route
from sidecar.store import message, session
from sidecar.store.message import Message, TextPart
from sidecar.store.session import Session

if TYPE_CHECKING:
    import apsw

MAX_MESSAGES = 2000
"""Of a chat, the newest: more than any context holds."""


def request_of(context: Context) -> GenerationRequest:
    """What is asked, as far as it decides who answers."""
    return GenerationRequest(request_id="", messages=context.messages(), priority=RequestPriority.HIGH)


def begun(session_id: str, route: Route, goes_on: Message | None) -> Message:
    """The answer before its first word, or before its next ones."""
    answer = Message(session_id, "assistant", (TextPart(""),)) if goes_on is None else goes_on
    return replace(
        answer,
        state="streaming",
        kind=None,
        said=None,
        finish_reason=None,
        model_name=route.model.display_name,
        provider_name=route.provider.name,
        leaves_computer=answer.leaves_computer or route.leaves_computer,
    )


def dropped_before(history: Sequence[Message], answer: Message) -> int:
    """How many messages the same model did not get the last time. They would not fit now, either, and what the engine
    keeps of the chat begins after them."""
    last = next((each for each in reversed(history) if each.role == "assistant"), None)
    same = last is not None and (last.model_name, last.provider_name) == (answer.model_name, answer.provider_name)
    return last.dropped_before if last is not None and same else 0


def written(
    connection: apsw.Connection,
    question: Message,
    answer: Message,
    write: Callable[[apsw.Connection, Message], None],
    *,
    is_first: bool,
) -> Session:
    """Writes the turn's rows with `write`, and what it changes about the chat; all of it in one transaction. The
    first question is its title for now."""
    # One whose end could not be written: it does not stream, as there is one at a time.
    message.interrupt_streaming(connection, "store_failed", answer.session_id)
    write(connection, answer)
    chat = session.changed(connection, answer.session_id, leaves_computer=answer.leaves_computer)
    if is_first and chat.titled_by in (None, "question") and (words := title.first_words(question)):
        return session.entitle(connection, chat.id, words, "question")
    return chat
