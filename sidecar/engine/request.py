"""What goes into the engine and what comes out of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

from sidecar.errors import InvalidRequest, SidecarError
from sidecar.worker import Picture

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


class RequestPriority(IntEnum):
    """Who waits for the answer: a person in front of the screen, or nobody."""

    HIGH = 1
    LOW = 10


@dataclass(frozen=True)
class GenerationRequest:
    """One chat to be continued by the model.

    `messages` are OpenAI chat messages; an image part's URL is `data:…;base64,…` or `attachment:<sha256>`. Where
    `temperature` or `top_p` is None the model's own default counts (`generation_config.json`); temperature 0 takes
    the likeliest token always. Without `seed` two runs differ. `stop` strings end the answer and are not part of it.
    `max_tokens` None lets the answer grow to 2,048 tokens; the rest of the context is the limit always.
    """

    request_id: str
    messages: Sequence[Mapping[str, Any]]
    priority: RequestPriority = RequestPriority.LOW
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises:
        InvalidRequest: a member is out of its range.
        """
        if not self.messages:
            raise InvalidRequest("no messages", member="messages")
        for message in self.messages:
            if message.get("role") not in ROLES:
                raise InvalidRequest("unknown role", member="messages")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise InvalidRequest("max_tokens is at least 1", member="max_tokens")
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise InvalidRequest("temperature is between 0 and 2", member="temperature")
        if self.top_p is not None and not 0 <= self.top_p <= 1:
            raise InvalidRequest("top_p is between 0 and 1", member="top_p")
        if "" in self.stop:
            raise InvalidRequest("a stop string is not empty", member="stop")


@dataclass(frozen=True)
class TextDelta:
    """The next piece of the answer's text; whole characters only."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The end of an answer. Tokens are the model's; those of pictures count as prompt, the end-of-turn token as
    completion. Seconds count from the moment the engine had the request with its pictures opened."""

    finish_reason: Literal["stop", "length"]
    prompt_tokens: int
    completion_tokens: int
    queued_seconds: float
    first_token_seconds: float
    total_seconds: float


Piece = TextDelta | Finished


@dataclass(frozen=True)
class ModelFolder:
    """A model to load, and the name its caller knows it by."""

    path: Path
    model_id: str


@dataclass(frozen=True)
class Job:
    """A request on its way through the engine thread, its pictures opened. `deliver` is called there and must not
    block; the last thing delivered is `Finished` or an error. `submitted` is of `time.monotonic`."""

    folder: ModelFolder
    request: GenerationRequest
    pictures: Sequence[Picture]
    deliver: Callable[[Piece | SidecarError], None]
    submitted: float = field(default_factory=time.monotonic)
