"""What becomes of a provider's server that does not answer as it should."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from sidecar.errors import (
    ProviderAnswerInvalid,
    ProviderDenied,
    ProviderError,
    ProviderFailed,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnreachable,
)
from sidecar.routing.remote import Remote
from tests.provider import Provider, Reply, replies
from tests.provider.asking import BRISK, SECONDS, answer, remote, request, text_of
from tests.provider.replies import chat, delta, event, stream

ATTEMPTS = 3


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
async def asked(provider: Provider) -> AsyncIterator[Remote]:
    async with remote(provider.url) as made:
        yield made


async def failure(asked: Remote) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        await answer(asked)
    assert raised.value.details["provider"] == "Tested"
    return raised.value


@pytest.mark.parametrize(
    ("status", "kind", "requests"),
    [
        (400, ProviderRejected, 1),
        (401, ProviderDenied, 1),
        (403, ProviderDenied, 1),
        (404, ProviderRejected, 1),
        (422, ProviderRejected, 1),
        (429, ProviderRateLimited, ATTEMPTS),
        (500, ProviderFailed, ATTEMPTS),
        (503, ProviderFailed, ATTEMPTS),
    ],
)
async def test_a_status_becomes_an_error_with_the_servers_words(
    provider: Provider, asked: Remote, status: int, kind: type[ProviderError], requests: int
) -> None:
    provider.will(replies.status(status, "because"))
    error = await failure(asked)
    assert type(error) is kind
    assert (error.details["status"], error.details["said"]) == (status, "because")
    assert len(provider.log) == requests


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "plain"}, "plain"),
        ({"detail": "FastAPI's"}, "FastAPI's"),
        ({"detail": [{"msg": "pydantic's", "loc": ["body"]}]}, "pydantic's"),
        ({"object": "error", "message": "vLLM's"}, "vLLM's"),
        ({"error": {"message": "long " * 1000}}, "long " * 99 + "long…"),
        ([{"error": {"message": "Google's"}}], "Google's"),
        ({"error": {"message": "b" * 50_000}}, "b" * 499 + "…"),
        ({"error": {"message": 5}}, None),
        ([1], None),
    ],
)
async def test_servers_words_are_found_wherever_they_stand(
    provider: Provider, asked: Remote, body: object, said: str | None
) -> None:
    provider.will(replies.json_body(body, 400))
    assert (await failure(asked)).details.get("said") == said


@pytest.mark.parametrize("code", [401, 404, 502])
async def test_a_page_in_place_of_an_error_is_not_quoted(provider: Provider, asked: Remote, code: int) -> None:
    provider.will(replies.page(code))
    error = await failure(asked)
    assert error.details["status"] == code
    assert "said" not in error.details


@pytest.mark.parametrize(
    "reply", [replies.status(500), replies.status(429), replies.dropped(), stream(), stream(end="cut")]
)
async def test_what_fails_once_before_the_first_piece_is_tried_again(
    provider: Provider, asked: Remote, reply: Reply
) -> None:
    provider.will(reply, reply, chat("here"))
    assert text_of(await answer(asked)) == "here"
    assert len(provider.log) == ATTEMPTS
    assert provider.bodies[0] == provider.bodies[2]


async def test_a_list_of_models_is_asked_for_again_too(provider: Provider, asked: Remote) -> None:
    provider.will(replies.status(503), replies.dropped(), replies.models("m"))
    assert await asked.models() == ["m"]


async def test_a_short_retry_after_is_waited_for(provider: Provider) -> None:
    provider.will(replies.status(429, Retry_After="1"), chat("here"))
    loop = asyncio.get_running_loop()
    async with remote(provider.url) as asked:
        began = loop.time()
        await answer(asked)
    assert loop.time() - began >= 1


@pytest.mark.parametrize("wait", ["21", "3600", format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)])
async def test_a_long_retry_after_is_told_at_once(provider: Provider, asked: Remote, wait: str) -> None:
    provider.will(replies.status(429, Retry_After=wait))
    error = await failure(asked)
    assert type(error) is ProviderRateLimited
    seconds = error.details["retryAfter"]
    assert isinstance(seconds, int)
    assert 21 <= seconds <= 3600
    assert len(provider.log) == 1


async def test_an_answer_cut_in_its_midst_is_not_asked_for_again(provider: Provider, asked: Remote) -> None:
    provider.will(stream(delta("half"), end="cut"))
    async with asyncio.timeout(SECONDS), aclosing(asked.generate("m", request())) as pieces:
        assert text_of([await anext(pieces)]) == "half"
        with pytest.raises(ProviderUnreachable) as raised:
            await anext(pieces)
    assert raised.value.details["reason"] == "cut"
    assert len(provider.log) == 1


@pytest.mark.parametrize("done", [(), (event(b"[DONE]"),)])
async def test_a_stream_without_an_end_is_a_cut_answer(
    provider: Provider, asked: Remote, done: tuple[bytes, ...]
) -> None:
    provider.will(stream(delta("half"), *done))
    error = await failure(asked)
    assert type(error) is ProviderUnreachable
    assert error.details["reason"] == "cut"


@pytest.mark.parametrize(
    "reply",
    [
        replies.page(),
        replies.without_type(replies.page()),
        replies.json_body({"choices": [{"message": {"content": "not a stream"}}]}),
        stream(b"complete nonsense\n\n"),
        stream(event(b"{broken")),
        stream(event(b"\xff\xfe")),
        stream(event(b"[" * 100_000)),
        stream(event(b"null")),
        stream(event([1])),
        stream(event({"choices": "x"})),
        stream(event({"choices": [5]})),
        stream(event({"choices": [{"index": 7, "delta": {}}]})),
        stream(event({"choices": [{"index": 0, "delta": {"content": 5}}]})),
        stream(event({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0}]}}]})),
        stream(event({"choices": [{"index": 0, "delta": {}, "finish_reason": 5}]})),
        stream(delta("fine"), event(b"{broken")),
    ],
)
async def test_what_is_no_answer_is_told_as_such(provider: Provider, asked: Remote, reply: Reply) -> None:
    provider.will(reply)
    assert type(await failure(asked)) is ProviderAnswerInvalid
    assert len(provider.log) == 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "out of memory"}}, ProviderFailed),
        ({"error": {"message": "out of memory", "code": 429}}, ProviderRateLimited),
        ({"error": "out of memory"}, ProviderFailed),
    ],
)
async def test_an_error_in_the_stream_is_told_in_its_words(
    provider: Provider, asked: Remote, body: object, kind: type[ProviderError]
) -> None:
    provider.will(stream(delta("half"), event(body)))
    error = await failure(asked)
    assert type(error) is kind
    assert error.details["said"] == "out of memory"


async def test_a_server_that_gives_fewer_choices_than_asked_for_is_found_out(provider: Provider, asked: Remote) -> None:
    provider.will(chat("one"))
    with pytest.raises(ProviderAnswerInvalid) as raised:
        await answer(asked, request(n=2))
    assert raised.value.details["reason"] == "choices"


async def test_of_an_endless_error_only_the_beginning_is_read(provider: Provider, asked: Remote) -> None:
    provider.will(Reply(400, {"Content-Type": "text/plain"}, [b"no " * 10_000] * 10, end="silence"))
    error = await failure(asked)
    assert type(error) is ProviderRejected
    assert str(error.details["said"]).startswith("no no")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".invalid", "a..b", "[::1%25x]"])
async def test_an_address_that_leads_nowhere_is_told(host: str) -> None:
    async with remote(f"http://{host}/v1") as asked:
        assert type(await failure(asked)) in (ProviderUnreachable, ProviderRejected)


async def test_nobody_at_the_address_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with remote(f"http://127.0.0.1:{port}/v1") as asked:
        error = await failure(asked)
        assert type(error) is ProviderUnreachable
        assert error.details["reason"] == "connect"


@pytest.mark.parametrize("reply", [replies.nothing(), stream(end="silence"), stream(delta("half"), end="silence")])
async def test_a_server_that_stands_still_is_unreachable_and_not_asked_again(
    provider: Provider, asked: Remote, reply: Reply
) -> None:
    provider.will(reply)
    error = await failure(asked)
    assert type(error) is ProviderUnreachable
    assert error.details["reason"] == "timeout"
    assert len(provider.log) == 1


async def test_who_has_begun_to_answer_is_not_waited_for_as_long_as_at_first(provider: Provider) -> None:
    provider.will(stream(delta("half"), end="silence"))
    async with remote(provider.url, patience=replace(BRISK, first_byte=10 * SECONDS)) as asked:
        assert (await failure(asked)).details["reason"] == "timeout"


async def test_comments_show_that_a_server_is_alive(provider: Provider) -> None:
    # Longer than it may stand still, in steps that are shorter.
    provider.will(stream(b": wait\n\n", *[b": wait\n\n"] * 3, delta("here"), delta(reason="stop"), pause=0.4))
    patience = replace(BRISK, between=1.0)
    async with remote(provider.url, patience=patience) as asked:
        assert text_of(await answer(asked)) == "here"


async def test_a_list_of_models_that_does_not_come_is_unreachable(provider: Provider, asked: Remote) -> None:
    provider.will(replies.nothing())
    with pytest.raises(ProviderUnreachable) as raised:
        await asked.models()
    assert raised.value.details["reason"] == "timeout"


async def test_a_list_of_models_that_is_too_long_to_be_read_at_once_is_not_read_to_its_end(
    provider: Provider, asked: Remote
) -> None:
    rows = b'{"id":"m"},' * 100_000
    provider.will(Reply(200, {"Content-Type": "application/json"}, [b'{"data":[', *[rows] * 4], end="silence"))
    with pytest.raises(ProviderAnswerInvalid, match="more than 4 MiB") as raised:
        await asked.models()
    assert raised.value.details["reason"] == "too_large"
    assert len(provider.log) == 1


async def test_a_long_list_of_models_is_read(provider: Provider, asked: Remote) -> None:
    identifiers = [f"vendor/model-{number}" for number in range(20_000)]
    provider.will(replies.models(*identifiers))
    assert await asked.models() == identifiers


async def test_closing_ends_what_is_under_way(provider: Provider) -> None:
    provider.will(stream(delta("half"), end="silence"))
    async with remote(provider.url) as asked, asyncio.timeout(SECONDS):
        async with aclosing(asked.generate("m", request())) as pieces:
            await anext(pieces)
            await asked.close()
            with pytest.raises(ProviderUnreachable):
                await anext(pieces)
        with pytest.raises(ProviderUnreachable):
            await asked.models()
