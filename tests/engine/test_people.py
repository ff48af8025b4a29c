"""Several people at once: nobody's answer stands still for long because another's prompt is read."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from typing import Any

import pytest

from sidecar.engine import Finished, RequestPriority
from sidecar.errors import InvalidRequest
from tests.engine.conftest import Bench

HIGH, LOW = RequestPriority.HIGH, RequestPriority.LOW
LONG = "The heron stood by the pond and waited for the evening. " * 56
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


@pytest.fixture(autouse=True)
def long_is_what_fits_the_model(prepared: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from sidecar.engine import admission

    monkeypatch.setattr(admission, "LONG_TEXT", 1000)


@pytest.fixture
def encoders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads that tokenise, in the order in which they do."""
    from sidecar.engine.prompt import PromptTemplate

    encode, names = PromptTemplate.encode, []

    def noted(*args: Any) -> list[int]:
        names.append(threading.current_thread().name)
        return encode(*args)

    monkeypatch.setattr(PromptTemplate, "encode", noted)
    return names


@pytest.mark.parametrize(
    ("text", "n", "members", "there"),
    [
        ("hello", 1, {}, True),
        (LONG, 1, {}, False),
        (LONG, 2, {}, False),
        (LONG, 1, {"tools": TOOLS}, False),
        (LONG, 1, {"schema": {"type": "object"}}, False),
    ],
    ids=["short", "long", "two answers", "tools", "schema"],
)
async def test_a_long_text_is_tokenised_once_and_beside_the_engine_thread(
    bench: Bench, encoders: list[str], text: str, n: int, members: Any, there: bool
) -> None:
    of_batch = await bench.ask(text, priority=LOW, **members)
    encoders.clear()

    answers = await bench.ask_for(n, text, priority=HIGH, **members)

    assert [name == "engine" for name in encoders] == [there]
    for answer in answers:
        assert answer.end.prompt_tokens == of_batch.end.prompt_tokens
        assert answer.text == of_batch.text


async def test_a_long_text_that_cannot_be_read_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidRequest, match="surrogate"):
        await bench.ask(LONG + "\ud800", priority=HIGH)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Of each step in which rows get tokens and a prompt is read: how many rows, and how much at most."""
    from sidecar.engine import scheduler
    from sidecar.engine.lane import Lane

    monkeypatch.setattr(scheduler, "CHUNK_BESIDE_STREAMS", 64)  # less than the memory of a small budget allows
    step, seen = Lane.step, []

    def noted(lane: Lane) -> Any:
        drawing, reads = lane.drawing, lane.reads_prompt
        ended = step(lane)
        if drawing and reads:
            seen.append((drawing, lane._generator.prefill_step_size))
        return ended

    monkeypatch.setattr(Lane, "step", noted)
    return seen


@pytest.mark.parametrize(
    ("of_guest", "bounded"),
    [((False, False), True), ((False, True), True), ((True, True), True), ((True, False), False)],
    ids=["own", "own, then a guest", "guests", "a guest, then own"],
)
async def test_a_prompt_is_read_in_small_parts_beside_streams_that_are_no_less_urgent(
    bench: Bench, steps: list[tuple[int, int]], of_guest: tuple[bool, bool], bounded: bool
) -> None:
    alone = await bench.ask("Tell me of the sea.", priority=HIGH, max_tokens=200)
    text = f"{of_guest} {LONG}"  # of which nothing has been read yet
    stream = bench.stream("Tell me of the sea.", priority=HIGH, max_tokens=200, guest=of_guest[0])
    async with aclosing(stream) as first:
        said = [getattr(await anext(first), "text", "")]
        other = asyncio.ensure_future(bench.ask(text, priority=HIGH, guest=of_guest[1]))
        said += [piece.text async for piece in first if not isinstance(piece, Finished)]  # type: ignore[union-attr]
    answer = await other

    assert {drawing for drawing, _ in steps} == {1}
    assert all(read == 64 for _, read in steps) == bounded
    assert "".join(said) == alone.text
    assert answer.text == (await bench.ask(text, priority=LOW)).text
