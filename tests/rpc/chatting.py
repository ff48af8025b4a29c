"""What the tests of kept chats do through the pipe, and the provider that answers them word by word."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.pipe import Json, Pipe
from tests.provider import Provider, Reply, replies

SLOW = 60.0
"""Seconds for what waits for the model's load or for a whole answer of it."""


@dataclass(frozen=True)
class Served:
    """A sidecar, and a provider that it asks for the model `model`."""

    pipe: Pipe
    provider: Provider
    model: str


def served(pipe: Pipe, provider: Provider, identifier: str = "far", **members: object) -> Served:
    """Adds a provider with a model that can do everything."""
    models = [{"identifier": identifier, "displayName": "Far", "capabilities": ["text", "vision"]}]
    params = {"name": "Ray", "baseUrl": provider.url, "models": models, "concurrency": 16} | members
    row = pipe.request("providers/create", params)["provider"]
    return Served(pipe, provider, row["models"][0]["id"])


def begun(pipe: Pipe) -> str:
    """A new chat."""
    session_id: str = pipe.request("sessions/create")["session"]["id"]
    return session_id


def text_part(text: str) -> Json:
    return {"type": "text", "text": text}


def ask(pipe: Pipe, session_id: str, text: str, model: str | None = None, *pictures: str) -> Json:
    """Sends a question; the question and the answer that streams."""
    shown = [{"type": "image", "attachment": sha256} for sha256 in pictures]
    params = {"sessionId": session_id, "parts": [*shown, text_part(text)], "model": model}
    return pipe.request("sessions/send", params)


def ended(pipe: Pipe, answer: Json, *, timeout: float = SLOW) -> Json:
    """The answer at its end, as it was told."""
    event = event_of(pipe, answer, lambda event: event["type"] == "message" and not is_streaming(event), timeout)
    message: Json = event["message"]
    return message


def next_delta(pipe: Pipe, answer: Json, *, timeout: float = SLOW) -> Json:
    """The next piece of its text."""
    return event_of(pipe, answer, lambda event: event["type"] == "delta", timeout)


def event_of(pipe: Pipe, answer: Json, wanted: object, timeout: float) -> Json:
    assert callable(wanted)

    def is_it(message: Json) -> bool:
        if message.get("method") != "sessions/event" or message["params"]["messageId"] != answer["id"]:
            return False
        return bool(wanted(message["params"]["event"]))

    event: Json = pipe.take(is_it, timeout=timeout)["params"]["event"]
    return event


def is_streaming(event: Json) -> bool:
    return bool(event["message"]["state"] == "streaming")


def messages(pipe: Pipe, session_id: str) -> list[Json]:
    """The whole chat."""
    found = pipe.request("sessions/messages", {"sessionId": session_id, "limit": 500})
    assert not found["more"]
    kept: list[Json] = found["messages"]
    return kept


def text_of(message: Json) -> str:
    return "".join(part.get("text", "") for part in message["parts"])


def texts(pipe: Pipe, session_id: str) -> list[str]:
    return [text_of(message) for message in messages(pipe, session_id)]


def told(pipe: Pipe, answer: Json) -> str:
    """The text that was told of an answer and not taken yet; asserts that each piece begins where the one before
    ended."""
    text = ""
    for message in pipe.kept():
        if message.get("method") == "sessions/event" and message["params"]["messageId"] == answer["id"]:
            event = message["params"]["event"]
            if event["type"] == "delta":
                assert event["offset"] == len(text)
                text += event["text"]
    return text


class Words(Sequence[bytes]):
    """The events of an answer that counts, a word each `seconds`, as long as anybody listens."""

    def __init__(self, seconds: float = 0.02) -> None:
        self._seconds = seconds
        self._never = threading.Event()

    def __len__(self) -> int:
        return 10**6

    def __getitem__(self, index: Any) -> Any:
        self._never.wait(self._seconds)
        return replies.delta(word(index))


def word(number: int) -> str:
    return f"{number} "


def counting() -> Reply:
    """An answer that counts until it is stopped."""
    return Reply(headers={"Content-Type": "text/event-stream"}, parts=Words())
