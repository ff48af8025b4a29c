"""OpenAI's request body: what a client's library sends is taken, what would change the answer is refused by name."""

from typing import Any

import pytest

from sidecar.errors import InvalidRequest
from sidecar.protocol import openai_members
from sidecar.protocol.chat import ChatCompletionRequest
from sidecar.protocol.chat_messages import AssistantMessage
from tests.pipe import ROOT

BODY = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize(
    "member",
    [
        {"user": "me"},
        {"store": True},
        {"metadata": {"a": "b"}},
        {"modalities": ["text"]},
        {"functions": []},
        {"repetition_penalty": 1},
        {"prediction": {"type": "content", "content": "x"}},
        {"n": None},
        {"no_such_member": None},
    ],
    ids=str,
)
def test_a_member_that_changes_nothing_is_accepted(member: dict[str, Any]) -> None:
    assert ChatCompletionRequest.model_validate(BODY | member) == ChatCompletionRequest.model_validate(BODY)


@pytest.mark.parametrize(
    "member",
    [
        {"functions": [{"name": "f"}]},
        {"function_call": {"name": "f"}},
        {"modalities": ["audio"]},
        {"reasoning_effort": "high"},
        {"repetition_penalty": 1.1},
        {"web_search_options": {}},
        {"no_such_member": 1},
    ],
    ids=str,
)
def test_a_member_that_would_change_the_answer_is_refused_by_name(member: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ChatCompletionRequest.model_validate(BODY | member)
    assert caught.value.details == {"member": next(iter(member))}


def test_an_answer_can_be_sent_back_as_it_came() -> None:
    request = ChatCompletionRequest.model_validate(
        {
            "messages": [
                {"role": "user", "content": "hello", "name": "me"},
                {"role": "assistant", "content": "hi", "refusal": None, "annotations": [], "tool_calls": None},
                {"role": "user", "content": [{"type": "text", "text": "again"}]},
            ]
        }
    )
    assert request.messages[1] == AssistantMessage(role="assistant", content="hi")


def test_two_limits_that_disagree_are_refused() -> None:
    assert ChatCompletionRequest.model_validate(BODY | {"max_tokens": 5, "max_completion_tokens": 5}).max_tokens == 5
    with pytest.raises(InvalidRequest) as caught:
        ChatCompletionRequest.model_validate(BODY | {"max_tokens": 5, "max_completion_tokens": 6})
    assert caught.value.details == {"member": "max_tokens"}


def test_the_page_for_people_shows_every_member_of_the_table() -> None:
    page = (ROOT / "docs" / "chat-completions.md").read_text(encoding="utf-8")
    acted_on, accepted, refused = (part.split("##")[0] for part in page.split("## Members that ")[1:])
    for member, unchanged in openai_members.OF_A_REQUEST.items():
        assert f"`{member}`" in (accepted if unchanged is openai_members.NO_EFFECT else refused)
    for member in ChatCompletionRequest.model_fields:
        assert f"`{member}`" in acted_on


def user(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


TEXT = {"type": "text", "text": "x"}
PICTURE = {"type": "image_url", "image_url": {"url": "data:,x"}}
CALL = {"id": "", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": BODY["messages"] * 10_000}, "messages"),
        ({"messages": [{"role": "user", "content": [TEXT] * 10_000}]}, "messages"),
        ({"messages": [{"role": "user", "content": [TEXT] * 1000}] * 5}, "messages"),
        # Of what is far too much no part is looked at.
        ({"messages": [{"role": "user", "content": [None] * 10_000}]}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages.0.user.content"),
        ({"messages": [{"role": "nobody", "content": ""}]}, "messages.0"),
        ({"messages": [{"role": "system", "content": [PICTURE]}]}, "messages.0.system.content.list[TextPart].0.type"),
        ({"messages": [{"role": "assistant"}]}, "messages.0.assistant"),
        ({"messages": [{"role": "tool", "content": "42"}]}, "messages.0.tool.tool_call_id"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [CALL]}]},
            "messages.0.assistant.tool_calls.0.id",
        ),
        ({"temperature": 9}, "temperature"),
        ({"temperature": "0.5"}, "temperature"),
        ({"temperature": float("inf")}, "temperature"),
        ({"top_k": 0.5}, "top_k"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 10**9}, "max_tokens"),
        ({"stop": ["x"] * 1000}, "stop.list[constrained-str]"),
        ({"stop": ""}, "stop.constrained-str"),
        ({"seed": 2**70}, "seed"),
        ({"n": 5}, "n"),
        ({"logit_bias": {"word": 1}}, "logit_bias.word.[key]"),
        ({"logit_bias": {"5": 101}}, "logit_bias.5"),
        ({"top_logprobs": 21, "logprobs": True}, "top_logprobs"),
        ({"presence_penalty": 2.1}, "presence_penalty"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.json_schema"),
        ({"tools": [{"type": "function", "function": {"name": "odd name"}}]}, "tools.0.function.name"),
        ({"tools": [{"type": "function", "function": {"name": "x" * 65}}]}, "tools.0.function.name"),
        ({"tools": [{"type": "retrieval"}]}, "tools.0.type"),
        ({"tool_choice": "any"}, None),
        ({"priority": 5}, "priority"),
        ({"priority": True}, "priority"),
        ({"priority": 1.0}, "priority"),
        ({"logit_bias": {"01": 1}}, "logit_bias.01.[key]"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"stream_options": {"includeusage": True}}, "stream_options.includeusage"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "shcema": {}}}},
            "response_format.json_schema.json_schema.shcema",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "a", "paramters": {}}}]},
            "tools.0.function.paramters",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_member_that_does_not_fit_is_an_invalid_request_that_names_it(body: dict[str, Any], path: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ChatCompletionRequest.model_validate(BODY | body)
    assert caught.value.details["member"] == next(iter(body))
    errors = caught.value.details["errors"]
    assert isinstance(errors, list)
    assert path is None or path in [error["path"] for error in errors]


@pytest.mark.parametrize(
    "body",
    [{"top_logprobs": 2}, {"stream_options": {"include_usage": True}}, {"top_logprobs": 2, "logprobs": False}],
    ids=str,
)
def test_a_member_that_goes_with_another_is_refused_without_it(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ChatCompletionRequest.model_validate(BODY | body)
    assert caught.value.details == {"member": next(iter(body))}
