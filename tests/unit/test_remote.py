"""What a provider's server is asked, and what is made of its answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from sidecar.engine import Finished, TextDelta, TokenLogprob, ToolCallDelta
from sidecar.errors import InvalidRequest, ProviderAnswerInvalid, ProviderFailed, ProviderRejected
from sidecar.routing.remote import Remote
from tests.provider import Provider, replies
from tests.provider.asking import SECONDS, answer, end_of, remote, request, text_of

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
async def asked(provider: Provider) -> AsyncIterator[Remote]:
    async with remote(provider.url) as made:
        yield made


async def test_text_comes_piece_by_piece_and_its_end_last(provider: Provider, asked: Remote) -> None:
    provider.will(replies.chat("Good ", "day"))
    pieces = await answer(asked, model="llama")
    assert [piece.text for piece in pieces if isinstance(piece, TextDelta)] == ["Good ", "day"]
    end = pieces[-1]
    assert isinstance(end, Finished)
    assert (end.finish_reason, end.prompt_tokens, end.cached_tokens, end.completion_tokens) == ("stop", 11, 4, 3)
    assert 0 <= end.queued_seconds <= end.first_token_seconds <= end.total_seconds
    (seen,) = provider.log
    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")
    assert seen.body == {
        "model": "llama",
        "messages": [{"role": "user", "content": "Hello?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_a_piece_is_there_before_the_next_one_is_sent(provider: Provider, asked: Remote) -> None:
    gate = threading.Event()
    provider.will(replies.chat("first", " second", gate=gate))
    async with asyncio.timeout(SECONDS), aclosing(asked.generate("m", request())) as pieces:
        assert await anext(pieces) == TextDelta("first")
        assert not provider.log[0].done
        gate.set()
        assert await anext(pieces) == TextDelta(" second")


async def test_closing_the_iterator_hangs_up(provider: Provider, asked: Remote) -> None:
    provider.will(replies.stream(replies.delta("never"), end="silence"))
    async with asyncio.timeout(SECONDS), aclosing(asked.generate("m", request())) as pieces:
        await anext(pieces)
    await asyncio.to_thread(provider.wait_until, lambda: provider.log[0].gone)


async def test_cancelling_before_the_first_piece_hangs_up(provider: Provider, asked: Remote) -> None:
    provider.will(replies.nothing())
    task = asyncio.create_task(answer(asked))
    await asyncio.to_thread(provider.wait_until, lambda: bool(provider.log))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(provider.wait_until, lambda: provider.log[0].gone)


async def test_what_was_set_is_sent_and_nothing_else(provider: Provider, asked: Remote) -> None:
    provider.will(replies.chat("x"))
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    await answer(
        asked,
        request(
            temperature=0.0,
            top_p=0.5,
            top_k=7,
            min_p=0.1,
            seed=3,
            max_tokens=9,
            presence_penalty=1.0,
            frequency_penalty=-1.0,
            logit_bias={5: -100.0},
            schema=schema,
            tools=[WEATHER],
            tool_choice={"name": "weather"},
            parallel_tool_calls=False,
        ),
    )
    body = provider.log[0].body
    for name in ("model", "messages", "stream", "stream_options"):
        del body[name]
    assert body == {
        "temperature": 0.0,
        "top_p": 0.5,
        "top_k": 7,
        "min_p": 0.1,
        "seed": 3,
        "max_tokens": 9,
        "presence_penalty": 1.0,
        "frequency_penalty": -1.0,
        "logit_bias": {"5": -100.0},
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
        "tools": [WEATHER],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "parallel_tool_calls": False,
    }


async def test_stop_strings_and_several_choices_are_sent(provider: Provider, asked: Remote) -> None:
    ends = [replies.delta(reason="stop", index=index) for index in (0, 1)]
    counted = replies.event({"choices": [], "usage": replies.USAGE})
    provider.will(replies.stream(replies.delta("a"), replies.delta("b", index=1), *ends, counted))
    pieces = await answer(asked, request(stop=("\n",), n=2))
    assert provider.log[0].body["stop"] == ["\n"]
    assert provider.log[0].body["n"] == 2
    assert [text_of(pieces, choice) for choice in (0, 1)] == ["a", "b"]
    # The server counts both together; the caller adds up what the ends say.
    assert [end_of(pieces, choice).completion_tokens for choice in (0, 1)] == [3, 0]


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        ({"type": "object"}, {"type": "json_object"}),
        (
            {"type": "object", "properties": {}, "additionalProperties": False},
            {
                "type": "json_schema",
                "json_schema": {
                    "name": "answer",
                    "schema": {"type": "object", "properties": {}, "additionalProperties": False},
                    "strict": True,
                },
            },
        ),
    ],
)
async def test_a_schema_is_strict_where_openai_would_be(
    provider: Provider, asked: Remote, schema: dict[str, object], sent: dict[str, object]
) -> None:
    provider.will(replies.chat("{}"))
    await answer(asked, request(schema=schema))
    assert provider.log[0].body["response_format"] == sent


async def test_a_model_that_refuses_max_tokens_is_asked_with_the_newer_name_from_then_on(
    provider: Provider, asked: Remote
) -> None:
    refused = replies.status(400, "Use 'max_completion_tokens' instead.", param="max_tokens")
    provider.will(refused, replies.chat("x"))
    await answer(asked, request(max_tokens=5), model="o9")
    await answer(asked, request(max_tokens=6), model="o9")
    await answer(asked, request(max_tokens=7), model="other")
    members = ("max_tokens", "max_completion_tokens")
    sent = [{name: body[name] for name in members if name in body} for body in provider.bodies]
    assert sent == [{"max_tokens": 5}, {"max_completion_tokens": 5}, {"max_completion_tokens": 6}, {"max_tokens": 7}]


async def test_a_tool_call_comes_with_its_name_first_and_then_its_arguments(provider: Provider, asked: Remote) -> None:
    provider.will(replies.calls("weather", '{"city":', '"Paris"}'))
    pieces = await answer(asked, request(tools=[WEATHER]))
    assert pieces[:-1] == [
        ToolCallDelta(0, id="call_1", name="weather"),
        ToolCallDelta(0, '{"city":'),
        ToolCallDelta(0, '"Paris"}'),
    ]
    assert end_of(pieces).finish_reason == "tool_calls"


async def test_two_calls_of_one_index_are_two_calls(provider: Provider, asked: Remote) -> None:
    both = [
        {"index": 0, "id": f"call_{city}", "function": {"name": "weather", "arguments": f'{{"city": "{city}"}}'}}
        for city in ("Paris", "Rome")
    ]
    provider.will(replies.stream(replies.delta(tool_calls=both), replies.delta(reason="stop")))
    pieces = await answer(asked, request(tools=[WEATHER]))
    calls = [piece for piece in pieces if isinstance(piece, ToolCallDelta)]
    assert [(call.index, call.id) for call in calls if call.id] == [(0, "call_Paris"), (1, "call_Rome")]
    assert [call.arguments for call in calls if call.index == 1] == ["", '{"city": "Rome"}']
    assert end_of(pieces).finish_reason == "tool_calls"


async def test_calls_without_an_id_get_one(provider: Provider, asked: Remote) -> None:
    call = {"function": {"name": "weather", "arguments": {"city": "Paris"}}}
    provider.will(replies.stream(replies.delta(tool_calls=[call]), replies.delta(reason="tool_calls")))
    begun, arguments, _ = await answer(asked, request(tools=[WEATHER]))
    assert isinstance(begun, ToolCallDelta)
    assert (begun.id or "").startswith("call_")
    assert arguments == ToolCallDelta(0, '{"city": "Paris"}')


async def test_a_character_in_two_halves_is_put_together_and_half_a_one_replaced(
    provider: Provider, asked: Remote
) -> None:
    provider.will(
        replies.stream(*[replies.delta(text) for text in ("a\ud83d", "\ude00b\ude00c")], replies.delta(reason="stop"))
    )
    assert text_of(await answer(asked)) == "a😀b\ufffdc"


async def test_log_probabilities_come_with_their_text(provider: Provider, asked: Remote) -> None:
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": [{"token": "Yo", "logprob": -1.5}]}
    choice = {"index": 0, "delta": {"content": "Hi"}, "logprobs": {"content": [token]}, "finish_reason": None}
    provider.will(replies.stream(replies.event({"choices": [choice]}), replies.delta(reason="length")))
    pieces = await answer(asked, request(top_logprobs=1))
    assert pieces[0] == TextDelta("Hi", (TokenLogprob(b"Hi", -0.5, (TokenLogprob(b"Yo", -1.5),)),))
    assert end_of(pieces).finish_reason == "length"
    assert (provider.log[0].body["logprobs"], provider.log[0].body["top_logprobs"]) == (True, 1)


async def test_a_server_that_counts_nothing_gives_zeros(provider: Provider, asked: Remote) -> None:
    provider.will(replies.chat("x", usage=None))
    end = end_of(await answer(asked))
    assert (end.prompt_tokens, end.completion_tokens, end.tokens_per_second) == (0, 0, None)


@pytest.mark.parametrize("end", ["cut", "silence"])
async def test_an_answer_is_whole_where_only_its_count_is_lost(
    provider: Provider, asked: Remote, end: replies.End
) -> None:
    provider.will(replies.stream(replies.delta("all"), replies.delta(reason="stop"), end=end))
    pieces = await answer(asked)
    assert text_of(pieces) == "all"
    assert end_of(pieces).completion_tokens == 0


@pytest.mark.parametrize(
    ("reason", "kind"), [("content_filter", ProviderRejected), ("error", ProviderFailed), ("abort", ProviderFailed)]
)
async def test_half_an_answer_is_not_told_as_a_whole_one(
    provider: Provider, asked: Remote, reason: str, kind: type[Exception]
) -> None:
    provider.will(replies.chat("half", reason=reason))
    with pytest.raises(kind) as raised:
        await answer(asked)
    assert getattr(raised.value, "details", {})["reason"] == reason


async def test_thoughts_before_the_answer_are_not_part_of_it(provider: Provider, asked: Remote) -> None:
    provider.will(
        replies.stream(replies.delta(reasoning_content="hm"), replies.delta("yes"), replies.delta(reason="x"))
    )
    pieces = await answer(asked)
    assert text_of(pieces) == "yes"
    assert end_of(pieces).finish_reason == "stop"


async def test_a_request_that_makes_no_sense_is_not_sent(provider: Provider, asked: Remote) -> None:
    with pytest.raises(InvalidRequest):
        await answer(asked, request(temperature=3))
    assert provider.log == []


async def test_the_models_are_those_that_the_server_lists(provider: Provider, asked: Remote) -> None:
    provider.will(replies.models("b", "a"))
    assert await asked.models() == ["b", "a"]
    assert provider.log[0].path == "/v1/models"


async def test_no_models_are_an_empty_list(provider: Provider, asked: Remote) -> None:
    provider.will(replies.json_body({"object": "list", "data": None}))
    assert await asked.models() == []


@pytest.mark.parametrize("value", [[], {}, {"data": "x"}, {"data": [{"id": 5}]}, {"data": ["a"]}, "words"])
async def test_what_is_no_list_of_models_is_an_invalid_answer(provider: Provider, asked: Remote, value: object) -> None:
    provider.will(replies.json_body(value))
    with pytest.raises(ProviderAnswerInvalid):
        await asked.models()
