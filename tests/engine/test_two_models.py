"""Requests that need different models: people first, with one load for each chat, and the background loses nothing."""

from __future__ import annotations

import asyncio
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sidecar.engine import RequestPriority
from sidecar.engine.inbox import Inbox
from tests.engine.conftest import WAIT_SECONDS, Bench
from tests.engine.pictures import data_url, encoded, image_part, noise

HIGH = RequestPriority.HIGH


def end_grace(bench: Bench) -> None:
    thread = bench.engine._thread
    thread._inbox.put(lambda: setattr(thread._scheduler._residence, "_grace_seconds", 0.0))


async def test_a_person_who_needs_another_model_does_not_wait_for_the_background_which_loses_nothing(
    bench: Bench, other_model: Path
) -> None:
    picture = [{"role": "user", "content": [image_part(data_url(encoded(noise())))]}]
    ways: list[dict[str, Any]] = [{}, {"temperature": 1.0, "seed": 4}]
    asked: list[tuple[Any, dict[str, Any]]] = [(chat, way) for chat in ("hello", "one two", picture) for way in ways]
    alone = [await bench.ask(chat, max_tokens=300, **way) for chat, way in asked]
    persons = await bench.ask("hello", model=other_model, max_tokens=20)
    weights = bench.engine.status().active_bytes
    await bench.ask("hello")
    batch = [asyncio.create_task(bench.ask(chat, max_tokens=300, **way)) for chat, way in asked]
    await bench.until(lambda status: status.running.low >= 2)

    person = await bench.ask("hello", model=other_model, priority=HIGH, max_tokens=20)

    assert person.text == persons.text
    assert not any(answer.done() for answer in batch)
    assert bench.engine.status().active_bytes < weights * 1.5  # of one model, not of two
    assert [(await answer).text for answer in batch] == [answer.text for answer in alone]


async def test_a_person_who_needs_another_model_for_json_does_not_wait_for_the_background_either(
    bench: Bench, other_model: Path
) -> None:
    alone = await bench.ask("hello", max_tokens=300)
    batch = asyncio.create_task(bench.ask("hello", max_tokens=300))
    await bench.until(lambda status: status.running.low == 1)

    person = await bench.ask("hello", model=other_model, priority=HIGH, schema={"type": "boolean"})

    assert person.text in ("true", "false")
    assert not batch.done()
    assert (await batch).text == alone.text


async def test_people_are_served_before_another_model_is_loaded_for_json_of_the_background(
    bench: Bench, other_model: Path
) -> None:
    await bench.ask("hello")
    first = asyncio.create_task(bench.ask("hello", priority=HIGH, max_tokens=200))
    await bench.until(lambda status: status.running.high == 1)
    batch = asyncio.create_task(bench.ask("hello", model=other_model, schema={"type": "boolean"}))
    bench.announced.clear()

    await bench.ask("hello", priority=HIGH, max_tokens=4)

    assert max(status.running.high for status in bench.announced) == 2
    assert not first.done()
    assert (await batch).text in ("true", "false")
    await first


async def test_a_person_who_needs_another_model_waits_for_the_people_who_use_this_one(
    bench: Bench, other_model: Path
) -> None:
    batch = asyncio.create_task(bench.ask("hello", max_tokens=300))
    await bench.until(lambda status: status.running.low == 1)
    first = asyncio.create_task(bench.ask("hello", priority=HIGH, max_tokens=60))
    await bench.until(lambda status: status.running.high == 1)

    await bench.ask("hello", model=other_model, priority=HIGH, max_tokens=4)

    assert first.done()
    assert first.result().end.completion_tokens == 60
    assert not batch.done()
    assert (await batch).end.completion_tokens == 300


async def test_a_paused_background_stays_so_while_a_person_uses_another_model(bench: Bench, other_model: Path) -> None:
    alone = await bench.ask("hello", max_tokens=200)
    batch = asyncio.create_task(bench.ask("hello", max_tokens=200))
    await bench.until(lambda status: status.running.low == 1)
    await bench.engine.pause()

    await bench.ask("hello", model=other_model, priority=HIGH, max_tokens=4)
    status = bench.engine.status()
    await bench.engine.resume()

    assert (status.queued.low, status.running.low, status.model_id) == (1, 0, other_model.name)
    assert (await batch).text == alone.text


async def test_a_model_leaves_although_requests_wait_that_another_one_has_begun(
    bench: Bench, other_model: Path
) -> None:
    batch = asyncio.create_task(bench.ask("hello", max_tokens=200))
    await bench.until(lambda status: status.running.low == 1)
    await bench.engine.pause()
    await bench.ask("hello", model=other_model, priority=HIGH, max_tokens=4)

    await bench.engine.unload_model()
    status = bench.engine.status()
    await bench.engine.resume()

    assert (status.loaded, status.queued.low) == (False, 1)
    assert (await batch).end.completion_tokens == 200


async def test_a_person_who_goes_on_with_another_model_pays_one_load(
    tmp_path: Path, random_model: Path, other_model: Path
) -> None:
    bench = Bench(tmp_path, random_model, grace_seconds=3600)
    alone = await bench.ask("hello", max_tokens=200)
    batch = [asyncio.create_task(bench.ask("hello", max_tokens=200)) for _ in range(2)]
    await bench.until(lambda status: status.running.low == 2)
    bench.announced[:] = [bench.engine.status()]
    for _ in range(3):
        await bench.ask("hello", model=other_model, priority=HIGH, max_tokens=4)
    more = asyncio.create_task(bench.ask("one more", max_tokens=4))
    status = await bench.until(lambda status: status.queued.low == 3)
    loads = [seen.model_id for before, seen in pairwise(bench.announced) if seen.loading and not before.loading]

    end_grace(bench)
    texts = [(await answer).text for answer in batch]
    await more
    bench.engine.close()

    assert loads == [other_model.name]
    assert (status.model_id, status.running.low) == (other_model.name, 0)
    assert texts == [alone.text] * 2


async def test_the_background_goes_on_by_itself_once_no_person_does(
    tmp_path: Path, random_model: Path, other_model: Path
) -> None:
    bench = Bench(tmp_path, random_model, grace_seconds=0.5)
    batch = asyncio.create_task(bench.ask("hello", max_tokens=200))
    await bench.until(lambda status: status.running.low == 1)
    await bench.ask("hello", model=other_model, priority=HIGH, max_tokens=4)

    assert (await batch).end.completion_tokens == 200
    bench.engine.close()


async def test_while_a_person_may_go_on_the_background_does_what_the_loaded_model_is_for(
    tmp_path: Path, random_model: Path, other_model: Path
) -> None:
    bench = Bench(tmp_path, random_model, grace_seconds=3600)
    await bench.ask("hello", priority=HIGH, max_tokens=4)
    others = asyncio.create_task(bench.ask("hello", model=other_model))
    await bench.until(lambda status: status.queued.low == 1)

    same = [await bench.ask(text) for text in ("one", "two")]

    assert [answer.end.completion_tokens for answer in same] == [16, 16]
    assert not others.done()
    assert bench.engine.status().model_id == random_model.name
    end_grace(bench)
    assert (await others).end.completion_tokens == 16
    bench.engine.close()


async def test_a_person_who_came_while_another_model_s_request_was_read_may_go_on(
    tmp_path: Path, random_model: Path, other_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.prompt import PromptTemplate

    bench = Bench(tmp_path, random_model, grace_seconds=3600)
    encode, reading, go_on = PromptTemplate.encode, threading.Event(), threading.Event()

    def slow(template: PromptTemplate, messages: Any, *more: Any) -> Any:
        if "slow" in str(messages):
            reading.set()
            go_on.wait(WAIT_SECONDS)
        return encode(template, messages, *more)

    monkeypatch.setattr(PromptTemplate, "encode", slow)
    others = asyncio.create_task(bench.ask("slow", model=other_model))
    assert await asyncio.to_thread(reading.wait, WAIT_SECONDS)

    await bench.ask("hello", priority=HIGH, max_tokens=4)
    go_on.set()
    await bench.until(lambda status: status.queued.low == 1)

    await bench.ask("and on", priority=HIGH, max_tokens=4)
    assert bench.engine.status().model_id == random_model.name
    assert not others.done()
    end_grace(bench)
    assert (await others).end.completion_tokens == 16
    bench.engine.close()


async def test_a_paused_background_that_needs_another_model_keeps_nobody_busy(
    bench: Bench, other_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.ask("hello", priority=HIGH, max_tokens=4)
    await bench.engine.pause()
    others = asyncio.create_task(bench.ask("hello", model=other_model))
    await bench.until(lambda status: status.queued.low == 1)
    waits, wait = 0, Inbox.wait

    def counted(inbox: Inbox, seconds: float | None) -> bool:
        nonlocal waits
        waits += 1
        return wait(inbox, seconds)

    monkeypatch.setattr(Inbox, "wait", counted)
    for _ in range(20):  # each comes while it waits, or just before
        await bench.engine.pause()

    assert waits <= 2 * 20 + 2
    await bench.engine.resume()
    assert (await others).end.completion_tokens == 16


async def test_json_of_two_models_takes_one_load_of_each(bench: Bench, other_model: Path) -> None:
    await bench.engine.unload_model()
    bench.announced[:] = [bench.engine.status()]

    asked = (bench.ask("hello", model=model, schema={"type": "boolean"}) for model in (None, other_model))
    await asyncio.gather(*asked)

    assert len([seen for before, seen in pairwise(bench.announced) if seen.loading and not before.loading]) == 2
