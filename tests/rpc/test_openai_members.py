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
