"""Remote models against a server that is not ours: mlx-vlm's own, with the demo model, in an environment of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import jsonschema
import pytest

from sidecar.engine import Piece
from sidecar.errors import ProviderError
from sidecar.routing.probe import probe
from sidecar.routing.remote import Remote
from sidecar.routing.remote_patience import PATIENCE
from tests.engine.pictures import circle, data_url, encoded, image_part, text_part
from tests.provider.asking import end_of, remote, request, text_of
from tests.provider.peer import MODEL, Peer, demo_peer

# The first run fetches an environment of 800 MB.
pytestmark = pytest.mark.timeout(300)

SECONDS = 120  # two cores load MLX, and may do other things meanwhile
CIRCLE = [image_part(data_url(encoded(circle("red")))), text_part("What is this?")]
TIMER = {
    "type": "function",
    "function": {
        "name": "set_timer",
        "description": "Sets a timer.",
        "parameters": {"type": "object", "properties": {"minutes": {"type": "integer"}}, "required": ["minutes"]},
    },
}
BRIEF = {
    "type": "object",
    "properties": {"name": {"enum": ["a", "b"]}},
    "required": ["name"],
    "additionalProperties": False,
}
WITHOUT_END = {2028: -100.0, 2030: -100.0}  # the demo model's tokens that end an answer


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with demo_peer(tmp_path_factory.mktemp("peer") / "server.log") as peer:
        yield peer


@pytest.fixture
async def asked(peer: Peer) -> AsyncIterator[Remote]:
    async with remote(peer.url, patience=PATIENCE) as made:
        yield made


async def words(asked: Remote, content: object, **members: Any) -> list[Piece]:
    async with asyncio.timeout(SECONDS):
        source = asked.generate(MODEL, request(content, temperature=0.0, max_tokens=40, **members))
        async with aclosing(source) as pieces:
            return [piece async for piece in pieces]


async def test_it_lists_its_model(asked: Remote) -> None:
    assert await asked.models() == [MODEL]


async def test_text_comes_in_pieces_and_is_counted(asked: Remote) -> None:
    pieces = await words(asked, "Hello")
    assert text_of(pieces) == "Hello! How can I help you?"
    assert len(pieces) > 5
    end = end_of(pieces)
    assert end.finish_reason == "stop"
    assert end.prompt_tokens > 0
    assert end.completion_tokens > 5
    assert end.first_token_seconds < end.total_seconds


async def test_a_limit_is_kept_and_told(asked: Remote) -> None:
    end = end_of(await words(asked, "Hello", logit_bias=WITHOUT_END))
    assert (end.finish_reason, end.completion_tokens) == ("length", 40)


async def test_it_sees_the_picture(asked: Remote) -> None:
    assert text_of(await words(asked, CIRCLE)) == "The picture shows a red circle."


async def test_it_stops_when_nobody_listens(peer: Peer, asked: Remote) -> None:
    endless = request("Hello", max_tokens=100_000, logit_bias=WITHOUT_END)
    async with asyncio.timeout(SECONDS):
        async with aclosing(asked.generate(MODEL, endless)) as pieces:
            await anext(pieces)
        # It looks for cancelled requests while it answers others.
        while "Generation cancelled" not in peer.log.read_text(errors="replace"):
            await words(asked, "Hello")


async def test_a_model_that_it_does_not_have_is_refused_in_its_words(asked: Remote) -> None:
    with pytest.raises(ProviderError) as raised:
        async with asyncio.timeout(SECONDS), aclosing(asked.generate("no/such", request())) as pieces:
            await anext(pieces)
    assert raised.value.details["said"]


async def test_tools_reach_its_model(asked: Remote) -> None:
    question = "Set a timer for 5 minutes"
    without = await words(asked, question)

    offered = await words(asked, question, tools=[TIMER])

    assert end_of(offered).prompt_tokens > end_of(without).prompt_tokens + 50
    # It has no parser for how this model spells a call, and sends it as text.
    assert "<tool_call>" in text_of(offered)
    assert "<tool_call>" not in text_of(without)


async def test_a_schema_reaches_its_grammar(asked: Remote) -> None:
    if sys.platform == "darwin":
        text = text_of(await words(asked, "What is your name?", schema=BRIEF))
        jsonschema.validate(json.loads(text), BRIEF)
    else:  # its grammars run on Metal only, and it says so once it is asked for one
        with pytest.raises(ProviderError) as refused:
            await words(asked, "What is your name?", schema=BRIEF)
        assert "metal_kernel" in str(refused.value.details["said"])


async def test_a_probe_finds_text_and_sight(asked: Remote) -> None:
    async with asyncio.timeout(SECONDS), aclosing(probe(asked, MODEL)) as found:
        works = {each.ability: each.works async for each in found}
    assert list(works) == ["models", "text", "vision", "structured_output", "tool_use"]
    assert works["models"]
    assert works["text"]
    assert works["vision"]
