"""What is a conversation that can be continued, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar.engine import messages
from sidecar.errors import InvalidRequest
from tests.engine.pictures import image_part, text_part

PICTURE = image_part("attachment:" + "0" * 64)
USER: dict[str, Any] = {"role": "user", "content": "hi"}
ANSWER: dict[str, Any] = {"role": "assistant", "content": "Yes"}


def calls(*ids: str) -> dict[str, Any]:
    functions = [{"id": id_, "type": "function", "function": {"name": "f", "arguments": "{}"}} for id_ in ids]
    return {"role": "assistant", "content": None, "tool_calls": functions}


def result(of: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": of, "content": "42"}


@pytest.mark.parametrize(
    "conversation",
    [
        [USER],
        [USER, USER],
        [{"role": "system", "content": "Be brief."}, USER, {"role": "assistant", "content": "Yes"}],
        [USER, {"role": "system", "content": "Be brief."}],
        [{"role": "system", "content": "Be brief."}, ANSWER],
        [{"role": "system", "content": "Be brief."}, calls("a"), result("a")],
        [USER, ANSWER, {"role": "developer", "content": "Be brief."}, USER],
        [ANSWER, USER],
        [ANSWER, ANSWER, USER],
        [USER, calls("a"), result("a"), ANSWER],
        [USER, calls("a", "b"), result("b"), result("a"), USER],
        [USER, calls("a"), result("a"), calls("a"), result("a")],
        [{"role": "user", "content": [PICTURE, text_part("and"), PICTURE]}],
        [USER] * messages.MAX_MESSAGES,
    ],
)
def test_a_conversation_is_taken(conversation: list[dict[str, Any]]) -> None:
    messages.check(conversation)


@pytest.mark.parametrize(
    "conversation",
    [
        [],
        [USER] * 10_000,
        [{"role": "root", "content": "hi"}],
        [{"content": "hi"}],
        [{"role": "system", "content": [PICTURE]}, USER],
        [USER, {"role": "assistant", "content": [text_part("so"), PICTURE]}],
        [USER, calls("a"), {"role": "tool", "tool_call_id": "a", "content": [PICTURE]}],
        [result("a"), USER],
        [USER, result("a")],
        [USER, calls("a"), result("b")],
        [USER, calls("a"), result("a"), result("a")],
        [USER, calls("a", "b"), result("a"), USER],
        [USER, calls("a"), USER, result("a")],
        [USER, calls("a")],
        [USER, calls("a", "a"), result("a"), result("a")],
        [USER, calls("a"), {"role": "tool", "content": "42"}],
    ],
)
def test_a_contradictory_one_is_refused(conversation: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        messages.check(conversation)

    assert refused.value.details == {"member": "messages"}


@pytest.mark.parametrize(
    "conversation",
    [
        [USER, ANSWER, ANSWER],
        [{"role": "system", "content": "Be brief."}],
        [{"role": "system", "content": "Be brief."}, {"role": "developer", "content": "Be kind."}],
    ],
)
def test_one_of_which_nobody_can_tell_what_to_answer_is_refused_with_the_role_s_place(
    conversation: list[dict[str, Any]],
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        messages.check(conversation)

    assert refused.value.details == {"member": f"messages.{len(conversation) - 1}.role"}


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_half_a_surrogate_pair_is_no_text(role: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        messages.check([USER, {"role": role, "content": "\ud800"}])

    assert refused.value.details["member"] == "messages"
