"""Events of a stream, whatever a server makes of them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.engine import Finished, Piece, TextDelta, ToolCallDelta
from sidecar.routing.remote_answer import BrokenOff, GrowingAnswer, NotAnAnswer, sound

HALVES = st.text(st.characters(codec=None), max_size=5) | st.sampled_from(["\ud83d", "\ude00", "😀"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | HALVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def members(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with these members, some of them left out and some anything."""
    return st.fixed_dictionaries({}, optional={name: value | ANYTHING for name, value in known.items()})


TOKEN = members(token=HALVES, logprob=st.floats(), bytes=st.lists(st.integers(0, 255)), top_logprobs=ANYTHING)
CALL = members(
    index=st.integers(0, 2),
    id=HALVES,
    function=members(name=HALVES, arguments=HALVES | st.dictionaries(HALVES, HALVES)),
)
DELTA = members(content=HALVES, refusal=HALVES, tool_calls=st.lists(CALL, max_size=2))
CHOICE = members(
    index=st.integers(0, 1),
    delta=DELTA,
    logprobs=members(content=st.lists(TOKEN, max_size=2)),
    finish_reason=st.sampled_from(["stop", "length", "tool_calls", "content_filter", "eos"]),
)
USAGE = members(
    prompt_tokens=st.integers(), completion_tokens=st.integers(), prompt_tokens_details=members(cached_tokens=ANYTHING)
)
EVENT = members(choices=st.lists(CHOICE, max_size=2), usage=USAGE) | ANYTHING


def checked(pieces: list[Piece]) -> None:
    """That they can be sent on, and that each call begins with its name."""
    begun: set[tuple[int, int]] = set()
    for piece in pieces:
        values = asdict(piece)
        if isinstance(piece, TextDelta):
            values["logprobs"] = [token.logprob for token in piece.logprobs]
        json.dumps(values, allow_nan=False, ensure_ascii=False).encode()
        if isinstance(piece, ToolCallDelta):
            assert bool(piece.id) == bool(piece.name) == ((piece.choice, piece.index) not in begun)
            begun.add((piece.choice, piece.index))


@given(st.lists(EVENT, max_size=6))
def test_any_events_are_an_answer_or_told_not_to_be(events: list[Any]) -> None:
    answer = GrowingAnswer(2, queued_seconds=0)
    pieces: list[Piece] = []
    with suppress(NotAnAnswer, BrokenOff):
        for event in events:
            pieces += answer.push(event)
    if answer.ended:
        pieces += answer.ends()
        assert [piece.choice for piece in pieces[-2:] if isinstance(piece, Finished)] == [0, 1]
    checked(pieces)


@pytest.mark.parametrize(("text", "whole"), [("a😀", "a😀"), ("\ud83d\ude00", "😀"), ("a\ud83d", "a\ufffd"), ("", "")])
def test_halves_of_pairs_are_put_together_or_replaced(text: str, whole: str) -> None:
    assert sound(text) == whole


@pytest.mark.parametrize(
    "pieces",
    [
        # OpenAI's: the id once, then the index alone.
        [
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}},
            {"index": 0, "function": {"arguments": "{}"}},
        ],
        # Without an index.
        [{"id": "a", "function": {"name": "f", "arguments": ""}}, {"function": {"arguments": "{}"}}],
        # The id each time.
        [{"index": 0, "id": "a", "function": {"name": "f"}}, {"index": 0, "id": "a", "function": {"arguments": "{}"}}],
        # Another id each time, and the name once (vLLM).
        [
            {"index": 0, "id": "a", "function": {"name": "f"}},
            {"index": 0, "id": "b", "function": {"name": None, "arguments": "{}"}},
        ],
        # All at once.
        [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}],
    ],
)
def test_one_call_is_one_call_however_it_is_cut(pieces: list[dict[str, Any]]) -> None:
    answer = GrowingAnswer(1, queued_seconds=0)
    told = [
        each for call in pieces for each in answer.push({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
    ]
    assert told == [ToolCallDelta(0, id="a", name="f"), ToolCallDelta(0, "{}")]
