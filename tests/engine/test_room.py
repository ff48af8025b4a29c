"""What waits for the engine by the thousand takes no memory by the thousand."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sidecar.engine import RequestPriority
from sidecar.engine.room import PLACES, Room
from sidecar.worker.process import Worker
from tests.engine.conftest import Bench
from tests.engine.pictures import about, circle, data_url, encoded

HIGH = RequestPriority.HIGH
PICTURE = about(data_url(encoded(circle("red"))))


async def settled() -> None:
    """Until nobody has anything to do but to wait."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_places_are_given_in_the_order_of_those_who_came() -> None:
    room, order = Room(lambda: None, 4), []

    async def one(name: str, places: int, until: asyncio.Event) -> None:
        async with room.taken(places):
            order.append(name)
            await until.wait()

    ends = {name: asyncio.Event() for name in "abcd"}
    tasks = [asyncio.ensure_future(one(name, n, ends[name])) for name, n in zip("abcd", (3, 9, 1, 0), strict=True)]
    await settled()
    assert order == ["a", "d"]
    assert room.waiting == 2
    ends["a"].set()
    await settled()
    assert order == ["a", "d", "b"]
    assert room.waiting == 1
    ends["b"].set()
    await settled()
    assert order == ["a", "d", "b", "c"]
    assert room.waiting == 0
    ends["c"].set()
    ends["d"].set()
    await asyncio.gather(*tasks)


async def test_whoever_gives_up_in_line_leaves_the_others_their_places() -> None:
    changes = Counter[int]()
    room = Room(lambda: changes.update([room.waiting]), 1)

    async def one() -> None:
        async with room.taken(1):
            pass

    async with room.taken(1) as leave:
        first, second = asyncio.ensure_future(one()), asyncio.ensure_future(one())
        await settled()
        assert room.waiting == 2
        first.cancel()
        await settled()
        assert room.waiting == 1
        leave()
        await asyncio.wait_for(second, 10)

    assert changes == {1: 2, 2: 1}  # told when they came, and when one gave up
    await asyncio.wait_for(one(), 10)


async def test_of_requests_that_wait_only_so_many_are_opened(own: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, picture, count = Counter[str](), Worker.picture, PLACES + 40

    def noted(*args: Any, **members: Any) -> Any:
        opened["pictures"] += 1
        return picture(*args, **members)

    monkeypatch.setattr(Worker, "picture", noted)
    await own.engine.pause()
    batch = [asyncio.ensure_future(own.ask(PICTURE, max_tokens=2)) for _ in range(count)]
    await own.until(lambda status: status.queued.low == count and own.engine._thread.status.queued.low == PLACES)
    assert opened["pictures"] == PLACES

    batch[-1].cancel()
    await own.until(lambda status: status.queued.low == count - 1)
    await own.engine.resume()
    answers = await asyncio.gather(*batch[:-1])

    assert opened["pictures"] == count - 1
    assert all(answer.end.completion_tokens == 2 for answer in answers)


async def test_other_programs_requests_that_wait_are_bounded_and_the_app_s_own_go_past_them(own: Bench) -> None:
    schema = {"type": "object"}
    others = [
        asyncio.ensure_future(own.ask("hello", priority=HIGH, guest=True, schema=schema, max_tokens=40))
        for _ in range(PLACES + 20)
    ]
    await own.until(lambda status: status.queued.high > PLACES)

    answer = await own.ask(PICTURE, priority=HIGH, schema=schema, max_tokens=2)

    assert answer.end.completion_tokens == 2
    assert sum(each.done() for each in others) < PLACES
    for each in others:
        each.cancel()
    await own.until(lambda status: not status.queued.high + status.running.high)


async def test_those_who_wait_for_another_model_are_in_nobodys_way(
    tmp_path: Path, random_model: Path, other_model: Path
) -> None:
    own, schema = Bench(tmp_path, random_model, grace_seconds=600), {"type": "object"}
    await own.ask("hello", priority=HIGH)  # for whom this model stays
    others = [asyncio.ensure_future(own.ask("hello", model=other_model, schema=schema)) for _ in range(PLACES + 5)]
    await own.until(lambda status: status.queued.low == PLACES + 5)

    assert (await own.ask("hello", schema=schema)).end.completion_tokens

    assert not any(each.done() for each in others)
    for each in others:
        each.cancel()
    await own.until(lambda status: not status.queued.low)
    assert not own.engine._rooms
    own.engine.close()
