"""One training or test example: a conversation in OpenAI's shape whose last message is the wanted answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from PIL import Image

Skill = Literal["pictures", "tags", "tools", "small talk"]
Message = dict[str, Any]


@dataclass(frozen=True)
class Conversation:
    """`pictures` are in the order of the messages' image parts; `expected` is what `evaluation` compares an answer
    with."""

    skill: Skill
    messages: Sequence[Message]
    pictures: Sequence[Image.Image] = ()
    tools: Sequence[dict[str, Any]] = ()
    expected: Any = field(default=None)

    @property
    def prompt(self) -> Sequence[Message]:
        """The messages without the wanted answer."""
        return self.messages[:-1]


def user(text: str, pictures: int = 0, *, pictures_last: bool = False) -> Message:
    """A user's message with `pictures` image parts before (or after) its text."""
    if not pictures:
        return {"role": "user", "content": text}
    images: list[Message] = [{"type": "image"}] * pictures
    part: list[Message] = [{"type": "text", "text": text}]
    return {"role": "user", "content": part + images if pictures_last else images + part}


def assistant(text: str) -> Message:
    """An answer in words."""
    return {"role": "assistant", "content": text}


def tool_call(name: str, arguments: dict[str, Any]) -> Message:
    """An answer that calls one tool."""
    function = {"name": name, "arguments": arguments}
    return {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": function}]}
