"""Answers in every form OpenAI has for them, whole and streamed, of a model with random weights."""

import json
from typing import Any

import pytest
from jsonschema import validate

from tests.pipe import Json, Pipe, RpcError
from tests.rpc.asking import asking

TAGS = {
    "type": "object",
    "properties": {"tags": {"type": "array", "items": {"enum": ["red", 'bl"ue', "文件"]}, "maxItems": 3}},
    "required": ["tags"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 5}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
NOW = {"type": "function", "function": {"name": "now", "description": "The time"}}


def complete(chat: Pipe, text: str = "hello", **members: Any) -> Json:
    return chat.request("chat/completions", asking(text, **members), timeout=60)


def streamed(chat: Pipe, text: str = "hello", **members: Any) -> tuple[list[Json], Json]:
    request_id = chat.send("chat/completions", asking(text, stream=True, **members))
    return list(chat.stream(request_id, timeout=60)), chat.result(request_id)


def rebuilt(chunks: list[Json], index: int = 0) -> Json:
    """The message that a client makes of the chunks of one choice."""
    message: Json = {"content": "", "tool_calls": []}
    for choice in [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]:
        message["content"] += choice["delta"].get("content") or ""
        for delta in choice["delta"].get("tool_calls", ()):
            if delta["index"] == len(message["tool_calls"]):
                assert delta["type"] == "function"
                named = {"name": delta["function"]["name"], "arguments": ""}
                message["tool_calls"].append({"id": delta["id"], "type": "function", "function": named})
            message["tool_calls"][delta["index"]]["function"]["arguments"] += delta["function"]["arguments"]
        message["finish_reason"] = choice["finish_reason"]
    return message


@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "tags", "schema": TAGS}},
        {"type": "json_schema", "json_schema": {"name": "tags", "schema": TAGS, "strict": True}},
    ],
    ids=str,
)
def test_json_validates_streamed_or_not(chat: Pipe, wanted: Json) -> None:
    members: Json = {"response_format": wanted, "temperature": 1.0, "max_tokens": 400}
    whole = complete(chat, **members)["choices"][0]
    chunks, result = streamed(chat, **members)

    assert whole["message"]["content"] == rebuilt(chunks)["content"] == result["choices"][0]["message"]["content"]
    if whole["finish_reason"] == "stop":
        validate(json.loads(whole["message"]["content"]), TAGS if "json_schema" in wanted else {"type": "object"})
    else:
        assert wanted["type"] == "json_object"


def test_a_schema_that_cannot_be_enforced_is_refused_before_anything_is_streamed(chat: Pipe) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?<=x)y"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    request_id = chat.send("chat/completions", asking("x", stream=True, response_format=wanted))

    with pytest.raises(RpcError) as caught:
        chat.result(request_id)

    assert (caught.value.code, caught.value.kind, caught.value.data["retryable"]) == (-32016, "invalid_schema", False)
    assert "look-around" in caught.value.data["details"]["reason"]
    assert not [message for message in chat.kept() if message.get("params", {}).get("requestId") == request_id]


def test_tool_calls_are_streamed_as_openai_does_and_the_result_has_them_whole(chat: Pipe) -> None:
    members: Json = {
        "tools": [WEATHER, NOW],
        "tool_choice": "required",
        "max_tokens": 300,
        "parallel_tool_calls": False,
    }
    chunks, result = streamed(chat, **members)
    choice = result["choices"][0]
    message = rebuilt(chunks)

    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert (message["finish_reason"], choice["finish_reason"]) == ("tool_calls", "tool_calls")
    assert choice["message"]["content"] is None
    assert message["tool_calls"] == choice["message"]["tool_calls"]
    [call] = message["tool_calls"]
    arguments = json.loads(call["function"]["arguments"])
    assert arguments == {} if call["function"]["name"] == "now" else set(arguments) == {"city"}
    later = [delta for chunk in chunks for c in chunk["choices"] for delta in c["delta"].get("tool_calls", ())][1:]
    assert all(set(delta) == {"index", "function"} and set(delta["function"]) == {"arguments"} for delta in later)


def test_a_call_and_its_result_can_be_sent_back(chat: Pipe) -> None:
    named = {"type": "function", "function": {"name": "now"}}
    first = complete(chat, tools=[NOW], tool_choice=named, max_tokens=60, parallel_tool_calls=False)
    message = first["choices"][0]["message"]
    [call] = message["tool_calls"]
    history = [
        {"role": "user", "content": "What time is it?"},
        message,
        {"role": "tool", "tool_call_id": call["id"], "content": "Noon."},
    ]

    again = chat.request("chat/completions", asking("") | {"messages": history, "tools": [NOW]})

    assert again["usage"]["prompt_tokens"] > first["usage"]["prompt_tokens"]
    for contradictory in (history[:2], history[2:], [history[0], history[2]], [*history, history[2]]):
        with pytest.raises(RpcError) as caught:
            chat.request("chat/completions", asking("") | {"messages": contradictory, "tools": [NOW]})
        assert caught.value.kind == "invalid_request"
        assert caught.value.data["details"]["member"] == "messages"


def test_several_choices_are_streamed_side_by_side_and_the_prompt_counts_once(chat: Pipe) -> None:
    members: Json = {"temperature": 1.0, "n": 3, "max_tokens": 12}
    chunks, result = streamed(chat, **members, stream_options={"include_usage": True})
    alone = [complete(chat, temperature=1.0, max_tokens=12, seed=1 + index) for index in range(3)]

    texts = [choice["message"]["content"] for choice in result["choices"]]
    assert [choice["index"] for choice in result["choices"]] == [0, 1, 2]
    assert texts == [rebuilt(chunks, index)["content"] for index in range(3)]
    assert texts == [answer["choices"][0]["message"]["content"] for answer in alone]
    usage = chunks[-1]["usage"]
    assert usage == result["usage"]
    assert usage["prompt_tokens"] == alone[0]["usage"]["prompt_tokens"]
    assert usage["completion_tokens"] == sum(answer["usage"]["completion_tokens"] for answer in alone)
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens_details"]["cached_tokens"] >= 0
    assert sum("usage" in chunk for chunk in chunks) == 1


def test_logprobs_come_with_each_token_streamed_or_not(chat: Pipe) -> None:
    members: Json = {"logprobs": True, "top_logprobs": 2, "temperature": 0, "max_tokens": 6}
    chunks, result = streamed(chat, **members)
    content = result["choices"][0]["logprobs"]["content"]
    pieces = [choice["logprobs"] for chunk in chunks for choice in chunk["choices"] if choice["logprobs"]]

    assert [token for piece in pieces for token in piece["content"]] == content
    assert len(content) == 6
    assert all(token["logprob"] <= 0 and len(token["top_logprobs"]) == 2 for token in content)
    assert all(token["top_logprobs"][0]["bytes"] == token["bytes"] for token in content)
    assert complete(chat, temperature=0, max_tokens=6)["choices"][0]["logprobs"] is None


def test_a_begun_answer_is_continued(chat: Pipe) -> None:
    question = {"role": "user", "content": "hello"}
    first = complete(chat, temperature=0, max_tokens=6)["choices"][0]["message"]["content"]
    begun = [question, {"role": "assistant", "content": first}]

    answer = chat.request("chat/completions", asking("", temperature=0) | {"messages": begun})

    fresh = chat.request("chat/completions", asking("", temperature=0) | {"messages": [*begun, question]})
    assert answer["usage"]["prompt_tokens"] < fresh["usage"]["prompt_tokens"]
    assert answer["choices"][0]["message"]["content"]


def test_what_cannot_be_is_refused_and_its_neighbour_notices_nothing(chat: Pipe) -> None:
    alone = complete(chat, max_tokens=40)["choices"]
    neighbour = chat.send("chat/completions", asking("hello", max_tokens=40))
    bad: list[Json] = [
        {"temperature": 9},
        {"stop": ["x"] * 1000},
        {"tools": [{"type": "function", "function": {"name": "odd name"}}]},
        {"tools": [NOW], "tool_choice": {"type": "function", "function": {"name": "other"}}},
        {"tool_choice": "required"},
        {"logit_bias": {"9999999": 1}},
        {"response_format": {"type": "json_object"}, "stop": "}"},
    ]
    for members in bad:
        with pytest.raises(RpcError) as caught:
            complete(chat, **members)
        assert caught.value.kind == "invalid_request"
        assert caught.value.data["details"]["member"] in members
    assert chat.result(neighbour)["choices"] == alone
