"""What the server may answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

End = Literal["whole", "cut", "silence"]
USAGE = {"prompt_tokens": 11, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}


@dataclass(frozen=True)
class Reply:
    """`parts` are sent one by one, each a chunk of HTTP's own; then the body ends as it should, the connection is cut,
    or nothing more comes. With `gate` all after the first part waits until it is set, and with `pause` each for so many
    seconds. `answers` false: not a byte."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    parts: Sequence[bytes] = ()
    end: End = "whole"
    gate: threading.Event | None = None
    pause: float = 0
    answers: bool = True


def event(value: object) -> bytes:
    """One server-sent event."""
    return b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n"


def delta(text: str | None = None, *, reason: str | None = None, index: int = 0, **members: Any) -> bytes:
    """The event of a piece of an answer."""
    said = {"content": text} if text is not None else {}
    choice = {"index": index, "delta": said | members, "finish_reason": reason}
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})


def stream(*parts: bytes, end: End = "whole", **members: Any) -> Reply:
    """A stream of events, as they are."""
    return Reply(headers={"Content-Type": "text/event-stream"}, parts=parts, end=end, **members)


def chat(*words: str, usage: Mapping[str, Any] | None = USAGE, reason: str = "stop", **members: Any) -> Reply:
    """A whole answer, a piece for each word."""
    counted = [event({"choices": [], "usage": usage})] if usage else []
    texts = [delta(word) for word in words]
    return stream(*texts, delta(reason=reason), *counted, event(b"[DONE]"), **members)


def calls(name: str, *arguments: str, reason: str = "tool_calls") -> Reply:
    """An answer that calls one tool, its arguments in pieces."""
    begun = {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}}
    pieces = [delta(tool_calls=[{"index": 0, "function": {"arguments": piece}}]) for piece in arguments]
    return stream(delta(tool_calls=[begun]), *pieces, delta(reason=reason), event(b"[DONE]"))


def json_body(value: object, status: int = 200, **headers: str) -> Reply:
    """A JSON body."""
    named = {"Content-Type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, named, [json.dumps(value).encode()])


def models(*identifiers: str) -> Reply:
    """The list of models."""
    listed = [{"id": each, "object": "model", "created": 1, "owned_by": "tests"} for each in identifiers]
    return json_body({"object": "list", "data": listed})


def status(code: int, message: str = "no", *, param: str | None = None, **headers: str) -> Reply:
    """An error as OpenAI tells it."""
    return json_body({"error": {"message": message, "type": "t", "param": param, "code": None}}, code, **headers)


def page(code: int = 200) -> Reply:
    """A web page, as a captive portal or a wrong address sends it."""
    return Reply(code, {"Content-Type": "text/html; charset=utf-8"}, [b"<!doctype html><html><p>Please log in</html>"])


def redirect(url: str) -> Reply:
    """A redirect that a client would have to repeat its request for."""
    return Reply(307, {"Location": url})


def nothing() -> Reply:
    """No answer at all; the connection stays open."""
    return Reply(answers=False, end="silence")


def dropped() -> Reply:
    """No answer at all; the connection is closed."""
    return Reply(answers=False, end="cut")


def without_type(reply: Reply) -> Reply:
    """The same, without saying what it is."""
    return replace(reply, headers={})
