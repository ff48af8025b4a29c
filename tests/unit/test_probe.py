"""What a probe finds out about a server and a model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from sidecar.routing.probe import Probed, probe
from sidecar.routing.remote import Remote
from tests.provider import Provider, Reply, replies
from tests.provider.asking import SECONDS, remote

MODELS = replies.models("m")
TEXT = replies.chat("Hello")
VISION = replies.chat("Red")
STRUCTURED = replies.chat('{"colour": "red", ', '"letters": 3}')
TOOL = replies.calls("get_weather", '{"city": "Paris"}')


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
async def asked(provider: Provider) -> AsyncIterator[Remote]:
    async with remote(provider.url) as made:
        yield made


async def probed(asked: Remote, identifier: str | None = "m") -> list[Probed]:
    async with asyncio.timeout(SECONDS), aclosing(probe(asked, identifier)) as found:
        return [each async for each in found]


def told(found: list[Probed]) -> list[tuple[str, bool, str | None, str | None]]:
    return [(each.ability, each.works, each.kind, each.reason) for each in found]


async def test_all_that_works_is_told_in_order(provider: Provider, asked: Remote) -> None:
    provider.will(MODELS, TEXT, VISION, STRUCTURED, TOOL)
    found = await probed(asked)
    assert told(found) == [
        (ability, True, None, None) for ability in ("models", "text", "vision", "structured_output", "tool_use")
    ]
    assert all(0 <= each.seconds < SECONDS for each in found)
    _, text, vision, structured, tool = provider.bodies
    assert text["model"] == "m"
    assert vision["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert structured["response_format"]["json_schema"]["strict"] is True
    assert tool["tool_choice"] == "required"


async def test_without_a_model_only_the_server_is_tried(provider: Provider, asked: Remote) -> None:
    provider.will(MODELS)
    assert told(await probed(asked, None)) == [("models", True, None, None)]
    assert len(provider.log) == 1


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [(replies.status(401, "who?"), "provider_denied", "who?"), (replies.dropped(), "provider_unreachable", None)],
)
async def test_a_server_that_lets_nobody_in_is_not_asked_further(
    provider: Provider, asked: Remote, reply: Reply, kind: str, reason: str | None
) -> None:
    provider.will(reply)
    assert told(await probed(asked)) == [("models", False, kind, reason)]
    assert all(seen.path == "/v1/models" for seen in provider.log)


async def test_a_server_without_a_list_is_asked_further(provider: Provider, asked: Remote) -> None:
    provider.will(replies.status(404, "no list"), TEXT, VISION, STRUCTURED, TOOL)
    found = told(await probed(asked))
    assert found[0] == ("models", False, "provider_rejected", "no list")
    assert [works for _, works, _, _ in found[1:]] == [True] * 4


async def test_a_refused_picture_is_told_in_the_servers_words_and_the_rest_is_tried(
    provider: Provider, asked: Remote
) -> None:
    provider.will(MODELS, TEXT, replies.status(400, "no eyes"), STRUCTURED, TOOL)
    found = told(await probed(asked))
    assert found[2] == ("vision", False, "provider_rejected", "no eyes")
    assert [works for _, works, _, _ in found] == [True, True, False, True, True]


async def test_a_server_that_hangs_up_on_a_picture_is_asked_further(provider: Provider, asked: Remote) -> None:
    provider.will(MODELS, TEXT, *[replies.dropped()] * 3, STRUCTURED, TOOL)
    found = told(await probed(asked))
    assert found[2] == ("vision", False, "provider_unreachable", None)
    assert [works for _, works, _, _ in found] == [True, True, False, True, True]


async def test_a_picture_that_nothing_is_said_to_shows_no_sight(provider: Provider, asked: Remote) -> None:
    provider.will(MODELS, TEXT, replies.chat(" "), STRUCTURED, TOOL)
    assert told(await probed(asked))[2] == ("vision", False, "provider_answer_invalid", "an empty answer")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Red has three letters.", "not JSON"),
        ('{"colour": "red"}', "JSON that does not fit its schema"),
        ('{"colour": "red", "letters": "3"}', "JSON that does not fit its schema"),
        ("[" * 100_000, "not JSON"),
    ],
)
async def test_an_answer_beside_its_schema_is_no_structured_output(
    provider: Provider, asked: Remote, words: str, reason: str
) -> None:
    provider.will(MODELS, TEXT, VISION, replies.chat(words), TOOL)
    assert told(await probed(asked))[3] == ("structured_output", False, "provider_answer_invalid", reason)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (replies.chat("It rains."), "it did not call the tool"),
        (replies.calls("other", '{"city": "Paris"}'), "it did not call the tool"),
        (replies.calls("get_weather", '{"town": "Paris"}'), "JSON that does not fit its schema"),
        (replies.calls("get_weather", '{"city": "Pa'), "not JSON"),
    ],
)
async def test_tool_use_is_a_call_of_the_tool_with_valid_arguments(
    provider: Provider, asked: Remote, reply: Reply, reason: str
) -> None:
    provider.will(MODELS, TEXT, VISION, STRUCTURED, reply)
    assert told(await probed(asked))[4] == ("tool_use", False, "provider_answer_invalid", reason)


async def test_findings_come_while_the_probe_goes_on(provider: Provider, asked: Remote) -> None:
    provider.will(MODELS, replies.nothing())
    async with asyncio.timeout(SECONDS), aclosing(probe(asked, "m")) as found:
        assert (await anext(found)).ability == "models"
        assert len(provider.log) == 1
    # And leaving it asks nothing more.
    assert len(provider.log) == 1
