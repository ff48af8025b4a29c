"""The members of OpenAI's chat bodies that this sidecar does not act on, and what it does when they are sent.

A client must be able to send what its library sends by default; but an answer must never quietly differ from what was
asked for. So a member that cannot change the answer is accepted, a value that means "not asked for" is accepted, and
everything else is refused by name. `docs/chat-completions.md` shows these tables to people; a test holds it to them.
"""

from collections.abc import Container, Mapping
from typing import Any, Final

from sidecar.errors import InvalidRequest


class _Anything:
    """Accepts every value: the member has no effect on the answer."""

    def __contains__(self, value: object) -> bool:
        return True


NO_EFFECT: Final = _Anything()

Table = Mapping[str, Container[Any]]
"""Member → the values with which it changes nothing."""

OF_A_REQUEST: Table = {
    # Book-keeping of OpenAI's service.
    "user": NO_EFFECT,
    "safety_identifier": NO_EFFECT,
    "metadata": NO_EFFECT,
    "store": NO_EFFECT,
    "service_tier": NO_EFFECT,
    "prompt_cache_key": NO_EFFECT,
    "prompt_cache_retention": NO_EFFECT,
    # A guess at the answer that may make it faster, never different.
    "prediction": NO_EFFECT,
    # Not supported: only the value that asks for nothing.
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "audio": (),
    "reasoning_effort": ("none",),
    "verbosity": ("medium",),
    "web_search_options": (),
    # The default of other servers' samplers, which some clients always send.
    "repetition_penalty": (1,),
}

OF_A_MESSAGE: Table = {
    # Distinguishes speakers at OpenAI; the chat template has no place for it.
    "name": NO_EFFECT,
    # Clients send an assistant's answer back as they got it.
    "annotations": NO_EFFECT,
    "refusal": (),
    "audio": (),
    "tool_calls": ([],),
    "tool_call_id": (),
    "function_call": (),
}


def checked(value: Any, *, known: Container[str], table: Table) -> Any:
    """`value` without nulls and without members that change nothing.

    Raises:
        InvalidRequest: a member is not supported; `details.member` names it.
    """
    if not isinstance(value, Mapping):
        return value  # pydantic says what is wrong with it
    kept = {}
    for member, content in value.items():
        if content is None:
            continue
        if member in known:
            kept[member] = content
        elif content not in table.get(member, ()):
            raise InvalidRequest(f"member not supported: {member[:100]}", member=member[:100])
    return kept
