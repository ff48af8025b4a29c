"""What a provider's server and one of its models can do, found out with tiny questions."""

from __future__ import annotations

import base64
import io
import json
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from sidecar.engine import GenerationRequest, RequestPriority, TextDelta, ToolCallDelta
from sidecar.errors import (
    NetworkSettingError,
    ProviderAnswerInvalid,
    ProviderDenied,
    ProviderUnreachable,
    SidecarError,
)
from sidecar.routing.remote import Remote

log = logging.getLogger(__name__)

Ability = Literal["models", "text", "vision", "structured_output", "tool_use"]

# Reasoning models think within this limit, too, before their first word.
MAX_TOKENS = 1024

COLOUR = {
    "type": "object",
    "properties": {"colour": {"type": "string"}, "letters": {"type": "integer"}},
    "required": ["colour", "letters"],
    "additionalProperties": False,
}
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather in a city now", "parameters": CITY},
}


@dataclass(frozen=True)
class Probed:
    """Whether one thing works. `seconds` is how long it took to find out; `kind` is the error kind of a failure, and
    `reason` the server's own words, or what was wrong with its answer."""

    ability: Ability
    works: bool
    seconds: float
    kind: str | None = None
    reason: str | None = None


class _Unfit(Exception):  # noqa: N818 (a finding, told as `Probed.reason`)
    """An answer came, and does not show the ability."""


async def probe(remote: Remote, identifier: str | None) -> AsyncGenerator[Probed, None]:
    """The findings as they come: `models` first, then, of the model `identifier` if there is one, what it can do. If
    the server cannot be reached or does not let us in, be it for its list or for words, nothing else is tried.

    `models` works where the list can be read; a model that is not in it is tried nevertheless, as some servers list
    only what they have loaded. `text` works with any words. `vision` works where the server takes a picture of one
    plain colour and says anything to it: a server without eyes refuses, and a small model that sees may still misname
    the colour. `structured_output` works where the answer validates against its schema, `tool_use` where the tool that
    must be called is called with arguments that do.
    """
    tried: list[tuple[Ability, Callable[[], Awaitable[None]]]] = [("models", lambda: _models(remote))]
    if identifier is not None:
        tried += [
            ("text", lambda: _text(remote, identifier)),
            ("vision", lambda: _vision(remote, identifier)),
            ("structured_output", lambda: _structured_output(remote, identifier)),
            ("tool_use", lambda: _tool_use(remote, identifier)),
        ]
    for ability, attempt in tried:
        began = time.monotonic()
        failure: Exception | None = None
        try:
            await attempt()
        except (SidecarError, _Unfit) as error:
            failure = error
        found = _found(ability, time.monotonic() - began, failure)
        log.info("Provider probed, ability=%s, works=%s, kind=%s", ability, found.works, found.kind)
        yield found
        if ability in ("models", "text") and isinstance(
            failure, ProviderUnreachable | ProviderDenied | NetworkSettingError
        ):
            return


def _found(ability: Ability, seconds: float, failure: Exception | None) -> Probed:
    match failure:
        case None:
            return Probed(ability, True, seconds)
        case SidecarError():
            said = failure.details.get("said")
            return Probed(ability, False, seconds, failure.kind, said if isinstance(said, str) else None)
    return Probed(ability, False, seconds, ProviderAnswerInvalid.kind, str(failure))


async def _models(remote: Remote) -> None:
    await remote.models()


async def _text(remote: Remote, identifier: str) -> None:
    await _words(remote, identifier, "Say hello.")


async def _vision(remote: Remote, identifier: str) -> None:
    picture = {"type": "image_url", "image_url": {"url": _red_square()}}
    question = {"type": "text", "text": "Which colour is this? Answer with one word."}
    await _words(remote, identifier, [picture, question])


async def _structured_output(remote: Remote, identifier: str) -> None:
    text = await _words(
        remote, identifier, "Name a colour and how many letters its name has, as JSON: colour, letters.", schema=COLOUR
    )
    _check_valid(text, COLOUR)


async def _tool_use(remote: Remote, identifier: str) -> None:
    names, arguments = [], []
    request = _request("What is the weather in Paris?", tools=[WEATHER], tool_choice="required")
    async with aclosing(remote.generate(identifier, request)) as pieces:
        async for piece in pieces:
            if isinstance(piece, ToolCallDelta) and piece.index == 0:
                names += [piece.name] if piece.name else []
                arguments.append(piece.arguments)
    if names != [WEATHER["function"]["name"]]:  # type: ignore[index]
        raise _Unfit("it did not call the tool")
    _check_valid("".join(arguments), CITY)


async def _words(remote: Remote, identifier: str, content: object, **members: Any) -> str:
    async with aclosing(remote.generate(identifier, _request(content, **members))) as pieces:
        text = "".join([piece.text async for piece in pieces if isinstance(piece, TextDelta)])
    if not text.strip():
        raise _Unfit("an empty answer")
    return text


def _request(content: object, **members: Any) -> GenerationRequest:
    return GenerationRequest(
        request_id=f"probe-{uuid.uuid4().hex}",
        messages=[{"role": "user", "content": content}],
        priority=RequestPriority.HIGH,
        max_tokens=MAX_TOKENS,
        **members,
    )


def _check_valid(text: str, schema: Mapping[str, Any]) -> None:
    import jsonschema  # late: only for this

    try:
        jsonschema.validate(json.loads(text), schema)
    except (ValueError, RecursionError) as error:
        raise _Unfit("not JSON") from error
    except jsonschema.ValidationError as error:
        raise _Unfit("JSON that does not fit its schema") from error


def _red_square() -> str:
    """A `data:` URL of 64 × 64 red pixels: some models refuse smaller pictures."""
    from PIL import Image  # late: only for this

    file = io.BytesIO()
    Image.new("RGB", (64, 64), (220, 20, 20)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
