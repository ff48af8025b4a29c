"""OpenAI's request body: what a client's library sends is taken, what would change the answer is refused by name."""

from typing import Any

import pytest
from pydantic import ValidationError

from sidecar.errors import InvalidRequest
from sidecar.protocol.chat import AssistantMessage, ChatCompletionRequest

BODY = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize(
    "member",
    [
        {"user": "me"},
        {"store": True},
        {"metadata": {"a": "b"}},
        {"n": 1},
        {"presence_penalty": 0},
        {"frequency_penalty": 0.0},
        {"logprobs": False},
        {"response_format": {"type": "text"}},
        {"tools": []},
        {"tool_choice": "none"},
        {"logit_bias": {}},
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
        {"n": 2},
        {"presence_penalty": 0.5},
        {"logprobs": True},
        {"response_format": {"type": "json_object"}},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"tool_choice": "required"},
        {"logit_bias": {"50256": -100}},
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
    with pytest.raises(ValidationError, match="disagree"):
        ChatCompletionRequest.model_validate(BODY | {"max_tokens": 5, "max_completion_tokens": 6})
