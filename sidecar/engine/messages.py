"""What makes a list of chat messages a conversation that can be continued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sidecar.errors import InvalidRequest

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
MAX_MESSAGES = 4096  # far more than any context holds


def check(messages: Sequence[Mapping[str, Any]]) -> None:
    """Raises:
    InvalidRequest: there are none or too many, a role is unknown, pictures stand where the person does not speak, or
        tool calls and their results do not belong together, a text is none, or nobody could tell what to answer.

    A system message in the midst and an answer at the beginning are taken, as OpenAI's API does: clients cut off what
    is old, and begin with examples.
    """
    if not messages:
        raise InvalidRequest("no messages", member="messages")
    if len(messages) > MAX_MESSAGES:
        raise InvalidRequest(f"more than {MAX_MESSAGES} messages", member="messages")
    _check_order([message.get("role") for message in messages])
    open_calls: set[str] = set()
    for message in messages:
        check_text(text_of(message), "messages")
        role = message.get("role")
        if role not in ROLES:
            raise InvalidRequest("unknown role", member="messages")
        if role != "user" and _shows_pictures(message):
            raise InvalidRequest("only the user's messages have pictures", member="messages")
        if role == "tool":
            call = message.get("tool_call_id")
            if call not in open_calls:
                raise InvalidRequest("a tool's result answers no tool call before it", member="messages")
            open_calls.remove(call)
            continue
        if open_calls:
            raise InvalidRequest("a tool call has no result", member="messages")
        open_calls = {call["id"] for call in message.get("tool_calls") or ()}
        if len(open_calls) != len(message.get("tool_calls") or ()):
            raise InvalidRequest("two tool calls have one id", member="messages")
    if open_calls:
        raise InvalidRequest("a tool call has no result", member="messages")


def _check_order(roles: Sequence[object]) -> None:
    last = len(roles) - 1
    if {"system", "developer"}.issuperset(roles):
        raise InvalidRequest("only instructions, and nothing to answer", member=f"messages.{last}.role")
    if roles[-2:] == ["assistant", "assistant"]:
        raise InvalidRequest("two answers at the end: which to continue?", member=f"messages.{last}.role")


def check_text(text: str, member: str) -> None:
    """Raises:
    InvalidRequest: JSON can hold it, and no tokenizer could read it.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest("a text holds half of a surrogate pair", member=member) from error


def is_continued(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the answer goes on with the last message instead of answering it."""
    return str(messages[-1]["role"]) == "assistant"


def text_of(message: Mapping[str, Any]) -> str:
    """The message's text, its parts joined."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def characters(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> int:
    """How much text there is to read, at least."""
    calls = (message["tool_calls"] for message in messages if message.get("tool_calls"))
    read = sum(len(text_of(message)) for message in messages)
    pending: list[Any] = [*calls, tools]
    while pending:  # a text of them all would be a moment for which nobody else is served
        each = pending.pop()
        if isinstance(each, Mapping):
            pending += each
            pending += each.values()
        elif isinstance(each, list | tuple):
            pending += each
        read += len(each) if isinstance(each, str | Mapping | list | tuple) else 1
    return read


def _shows_pictures(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    return isinstance(content, list | tuple) and "image_url" in [part.get("type") for part in content]
