"""A model leaves memory when it is asked to: once nobody is served by it, and not if somebody comes meanwhile."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest

from sidecar.engine import RequestPriority
from sidecar.engine.residence import Residence
from tests.engine.conftest import WAIT_SECONDS, Bench

HIGH = RequestPriority.HIGH


def wanted_of(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set once the engine thread knows that the model shall leave."""
    loop, wanted, want_none = asyncio.get_running_loop(), asyncio.Event(), Residence.want_none

    def watched(residence: Residence, done: Future[None]) -> None:
        want_none(residence, done)
        loop.call_soon_threadsafe(wanted.set)

    monkeypatch.setattr(Residence, "want_none", watched)
    return wanted


async def test_unloading_frees_the_memory_and_the_next_request_loads_again(bench: Bench) -> None:
    first = await bench.ask("hello")
    loaded = bench.engine.status()
    assert loaded.active_bytes > 1_000_000

    await bench.engine.unload_model()

    assert not bench.engine.status().loaded
    assert bench.engine.status().model_id is None
    assert bench.engine.status().active_bytes < loaded.active_bytes / 20 + 100_000
    assert (await bench.ask("hello")).text == first.text


async def test_unloading_waits_for_running_answers(bench: Bench) -> None:
    answers = [asyncio.ensure_future(bench.ask("hello", max_tokens=40)) for _ in range(2)]
    await bench.until(lambda status: status.running.low == 2)

    await bench.engine.unload_model()

    assert not bench.engine.status().loaded
    assert [(await answer).end.completion_tokens for answer in answers] == [40, 40]


async def test_a_person_does_not_wait_for_the_background_because_the_model_shall_leave_after_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = await bench.ask("hello", max_tokens=300)
    batch = asyncio.create_task(bench.ask("hello", max_tokens=300))
    await bench.until(lambda status: status.running.low == 1)
    wanted = wanted_of(monkeypatch)
    leaving = asyncio.create_task(bench.engine.unload_model())
    await asyncio.wait_for(wanted.wait(), WAIT_SECONDS)

    people = [await bench.ask(f"question {number}", priority=HIGH, max_tokens=4) for number in range(2)]

    assert [answer.end.completion_tokens for answer in people] == [4, 4]
    assert not batch.done()
    assert not leaving.done()
    assert (await batch).text == alone.text
    await leaving
    assert bench.engine.status().model_id is None


async def test_a_model_that_shall_leave_is_given_no_more_people_once_the_background_has_ended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = asyncio.create_task(bench.ask("hello", priority=HIGH, max_tokens=100))
    await bench.until(lambda status: status.running.high == 1)
    wanted = wanted_of(monkeypatch)
    leaving = asyncio.create_task(bench.engine.unload_model())
    await asyncio.wait_for(wanted.wait(), WAIT_SECONDS)
    next_person = asyncio.create_task(bench.ask("hello", priority=HIGH, max_tokens=4))

    await leaving

    assert (await person).end.completion_tokens == 100
    assert (await next_person).end.completion_tokens == 4
    assert [status.running.high for status in bench.announced if status.running.high > 1] == []


async def test_a_request_that_comes_while_the_model_leaves_brings_it_back(bench: Bench) -> None:
    alone = await bench.ask("hello", max_tokens=60)
    answer = asyncio.create_task(bench.ask("hello", max_tokens=60))
    await bench.until(lambda status: status.running.low == 1)
    bench.announced.clear()

    await asyncio.gather(bench.engine.unload_model(), bench.ask("hello", max_tokens=4))

    assert (await answer).text == alone.text
    assert bench.engine.status().loaded
    seen = [status.loaded for status in bench.announced]
    assert seen.index(False) < len(seen) - 1 - seen[::-1].index(True)


async def test_an_unload_that_is_taken_back_leaves_the_model(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = asyncio.create_task(bench.ask("hello", max_tokens=300))
    await bench.until(lambda status: status.running.low == 1)
    wanted = wanted_of(monkeypatch)
    leaving = asyncio.create_task(bench.engine.unload_model())
    await asyncio.wait_for(wanted.wait(), WAIT_SECONDS)

    leaving.cancel()
    await answer
    await bench.engine.pause()  # it has looked for what is to be done
    await bench.engine.resume()

    assert bench.engine.status().loaded
