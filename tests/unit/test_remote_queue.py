"""Who gets a place at a provider's server."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from sidecar.engine import RequestPriority
from sidecar.routing.remote_queue import Places
from tests.provider import Provider, replies
from tests.provider.asking import SECONDS, answer, remote, request


async def waiting(task: asyncio.Task[Any]) -> None:
    """Returns once the task has come to its first wait."""
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()


async def test_people_come_before_work_that_nobody_waits_for() -> None:
    gate = threading.Event()
    with Provider() as provider:
        provider.will(replies.chat("a", "b", gate=gate), replies.chat("x"))
        async with remote(provider.url, concurrency=1) as asked, asyncio.timeout(SECONDS):
            tasks = []
            for name, priority in [
                ("first", RequestPriority.LOW),
                ("low", RequestPriority.LOW),
                ("low too", RequestPriority.LOW),
                ("person", RequestPriority.HIGH),
            ]:
                tasks.append(asyncio.create_task(answer(asked, request(name, priority=priority))))
                if name == "first":
                    await asyncio.to_thread(provider.wait_until, lambda: len(provider.log) == 1)
                else:
                    await waiting(tasks[-1])
            assert len(provider.log) == 1
            gate.set()
            ends = [(await task)[-1] for task in tasks]
        said = [body["messages"][0]["content"] for body in provider.bodies]
    assert said == ["first", "person", "low", "low too"]
    assert ends[0].queued_seconds == pytest.approx(0, abs=0.5)  # type: ignore[union-attr]
    assert 0 < ends[1].queued_seconds <= ends[1].first_token_seconds  # type: ignore[union-attr]


async def test_as_many_are_under_way_as_the_provider_may_get() -> None:
    gate = threading.Event()
    with Provider() as provider:
        provider.will(replies.chat("a", "b", gate=gate))
        async with remote(provider.url, concurrency=2) as asked, asyncio.timeout(SECONDS):
            tasks = [asyncio.create_task(answer(asked)) for _ in range(5)]
            await asyncio.to_thread(provider.wait_until, lambda: len(provider.log) == 2)
            await waiting(tasks[-1])
            assert len(provider.log) == 2
            gate.set()
            await asyncio.gather(*tasks)
        assert len(provider.log) == 5


async def test_who_goes_while_waiting_leaves_no_place_taken() -> None:
    gate = threading.Event()
    with Provider() as provider:
        provider.will(replies.chat("a", "b", gate=gate), replies.chat("x"))
        async with remote(provider.url, concurrency=1) as asked, asyncio.timeout(SECONDS):
            first = asyncio.create_task(answer(asked))
            await asyncio.to_thread(provider.wait_until, lambda: len(provider.log) == 1)
            gone = [asyncio.create_task(answer(asked)) for _ in range(3)]
            for task in gone:
                await waiting(task)
            gone[0].cancel()
            gate.set()
            await first
            gone[1].cancel()
            await asyncio.gather(*gone, return_exceptions=True)
            assert gone[0].cancelled()
            await answer(asked)
            await answer(asked)


async def test_who_goes_in_the_moment_of_getting_a_place_leaves_it() -> None:
    places = Places(1)

    async def hold() -> None:
        async with places.taken((RequestPriority.HIGH, False)):
            raise AssertionError("cancelled before")

    async with asyncio.timeout(SECONDS):
        async with places.taken((RequestPriority.LOW, False)):
            task = asyncio.create_task(hold())
            await waiting(task)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with places.taken((RequestPriority.LOW, False)):
            pass


async def test_who_fails_gives_the_place_back() -> None:
    with Provider() as provider:
        async with remote(provider.url, concurrency=1) as asked, asyncio.timeout(SECONDS):
            provider.will(replies.status(400))
            for _ in range(2):
                results = await asyncio.gather(answer(asked), return_exceptions=True)
                assert isinstance(results[0], Exception)
            provider.will(replies.chat("x"))
            await answer(asked)
