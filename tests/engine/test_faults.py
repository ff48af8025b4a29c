"""What nobody foresees costs its own request, and the engine goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sidecar.engine import Finished, GenerationRequest, RequestPriority
from sidecar.engine.request import Job, ModelFolder
from sidecar.errors import EngineFailed, SidecarError
from tests.engine.conftest import Bench
from tests.engine.pictures import about, circle, data_url, encoded
from tests.engine.synthetic import token

HIGH, LOW = RequestPriority.HIGH, RequestPriority.LOW
PICTURE = about(data_url(encoded(circle("red"))))


@pytest.fixture
async def own(tmp_path: Path, random_model: Path) -> AsyncIterator[Bench]:
    """An engine of its own, that may be harmed."""
    bench = Bench(tmp_path, random_model)
    await bench.ask("hello")
    yield bench
    bench.engine.close()


async def test_whoever_stops_waiting_for_an_unload_harms_nobody(own: Bench) -> None:
    answer = asyncio.create_task(own.ask("hello", max_tokens=100))
    await own.until(lambda status: status.running.low == 1)
    unload = asyncio.create_task(own.engine.unload_model())
    await asyncio.sleep(0)  # so that it is asked for
    unload.cancel()

    assert (await answer).end.completion_tokens == 100
    assert (await own.ask("hello")).end.completion_tokens == 16


async def test_a_hung_engine_is_told_of_even_where_its_requests_cannot_be(
    own: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    thread = own.engine._thread
    monkeypatch.setattr(thread, "_on_hung", told.set)
    monkeypatch.setattr(thread._scheduler, "fail_all", lambda error: [][0])

    with pytest.raises(IndexError):
        thread._hung()

    assert told.is_set()


async def test_whoever_stops_waiting_for_a_pause_harms_nobody(own: Bench) -> None:
    answer = asyncio.create_task(own.ask("a long prompt of many words " * 60, max_tokens=100))
    await own.until(lambda status: status.running.low == 1)
    for _ in range(20):
        pause = asyncio.create_task(own.engine.pause())
        await asyncio.sleep(0)
        pause.cancel()
        with suppress(asyncio.CancelledError):
            await pause
        await own.engine.resume()

    assert (await answer).end.completion_tokens == 100


async def test_a_row_that_was_put_off_is_kept_when_the_next_cannot_be(
    own: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.lane import Lane
    from sidecar.engine.lanes import Lanes
    from sidecar.engine.row import Row

    evict, needed, evictions = Lane.evict, Lanes.needed, 0

    def broken(lane: Lane) -> Any:
        nonlocal evictions
        evictions += 1
        if evictions == 2:
            raise RuntimeError("no memory")
        return evict(lane)

    def scarce(lanes: Lanes, row: Row) -> int:
        return 1 << 60 if row.request.priority == HIGH and evictions < 2 else needed(lanes, row)

    batch = [asyncio.create_task(own.ask(f"row {number}", max_tokens=200)) for number in range(3)]
    await own.until(lambda status: status.running.low == 3)
    monkeypatch.setattr(Lane, "evict", broken)
    monkeypatch.setattr(Lanes, "needed", scarce)

    with pytest.raises(EngineFailed):
        await own.ask("person", priority=HIGH, max_tokens=2)

    assert [(await answer).end.completion_tokens for answer in batch] == [200] * 3


async def test_a_lane_that_cannot_even_be_closed_fails_its_rows_and_the_next_is_served(
    own: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.lane import Lane

    close = Lane.close

    def lost(_lane: Lane) -> Any:
        raise RuntimeError("device lost")

    def closed_and_lost(lane: Lane) -> None:
        close(lane)
        lost(lane)

    with monkeypatch.context() as broken:
        broken.setattr(Lane, "step", lost)
        broken.setattr(Lane, "close", closed_and_lost)
        with pytest.raises(EngineFailed):
            await own.ask("hello")

    assert (await own.ask("hello")).end.completion_tokens == 16


async def test_what_cannot_be_kept_of_a_stopped_answer_is_not_kept_and_others_go_on(
    own: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.lane import Lane

    tried = asyncio.Event()
    loop = asyncio.get_running_loop()

    def broken(*_: Any, **__: Any) -> Any:
        loop.call_soon_threadsafe(tried.set)
        raise RuntimeError("no memory")

    people = [asyncio.create_task(own.ask("hello", priority=HIGH, max_tokens=200)) for _ in range(2)]
    await own.until(lambda status: status.running.high == 2)
    monkeypatch.setattr(Lane, "_keep", broken)
    people[0].cancel()

    async with asyncio.timeout(60):
        await tried.wait()
    assert (await people[1]).end.completion_tokens == 200


async def test_a_fault_within_the_background_s_step_leaves_the_engine_as_new(
    own: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.scheduler import Scheduler

    alone = await own.ask("hello", priority=HIGH)
    apply = Scheduler._apply_cancellations

    def broken(scheduler: Scheduler, priorities: Any) -> None:
        if scheduler._giving_way:
            monkeypatch.setattr(Scheduler, "_apply_cancellations", apply)
            raise LookupError("a place that is not there")
        apply(scheduler, priorities)

    monkeypatch.setattr(Scheduler, "_apply_cancellations", broken)

    with pytest.raises(SidecarError):
        await own.ask("a long prompt of many words " * 60)

    assert not own.engine._thread._scheduler._giving_way
    assert (await own.ask("hello", priority=HIGH)).text == alone.text


@pytest.mark.parametrize("temperature", [1e-45, 1e-39, 1e-20])
async def test_next_to_no_temperature_is_none(own: Bench, temperature: float) -> None:
    greedy = await own.ask("hello")

    assert (await own.ask("hello", temperature=temperature, seed=1)).text == greedy.text


@pytest.mark.parametrize("added", ["<|image_pad|>", "<|vision_start|>"])
@pytest.mark.parametrize("priority", list(RequestPriority))
async def test_a_picture_s_token_in_an_answer_is_text_and_harms_nobody(
    own: Bench, priority: RequestPriority, added: str
) -> None:
    other = asyncio.create_task(own.ask("hello", priority=priority, max_tokens=120))
    await own.until(lambda status: status.running.low + status.running.high == 1)

    answer = await own.ask(PICTURE, priority=priority, max_tokens=8, logit_bias={token(added): 100.0})

    assert answer.end.completion_tokens == 8
    assert (await other).end.completion_tokens == 120


@pytest.mark.parametrize("about_what", ["hello", PICTURE], ids=["no picture", "a picture"])
@pytest.mark.parametrize("drawn", [["<|image_pad|>"], ["<|vision_start|>", "<|image_pad|>"]], ids=len)
async def test_a_row_that_drew_a_picture_s_token_goes_on_after_it_was_put_off(
    own: Bench, monkeypatch: pytest.MonkeyPatch, about_what: Any, drawn: list[str]
) -> None:
    from sidecar.engine.lane import Lane
    from sidecar.engine.lanes import Lanes
    from sidecar.engine.row import Row

    evict, needed, evicted = Lane.evict, Lanes.needed, []

    def watched(lane: Lane) -> Any:
        ended = evict(lane)
        evicted.append(list(ended[0].tokens))
        return ended

    def scarce(lanes: Lanes, row: Row) -> int:
        return 1 << 60 if row.request.priority == HIGH and not evicted else needed(lanes, row)

    # Now the one and now the other: what was drawn is less likely the next time.
    members = {"logit_bias": {token(each): 99.0 for each in drawn}, "frequency_penalty": 0.5, "max_tokens": 300}
    alone = await own.ask(about_what, **members)
    batch = asyncio.create_task(own.ask(about_what, **members))
    await own.until(lambda status: status.running.low == 1)
    monkeypatch.setattr(Lane, "evict", watched)
    monkeypatch.setattr(Lanes, "needed", scarce)
    for number in range(3):
        await own.ask(f"person {number}", priority=HIGH, max_tokens=2)

    assert (await batch).text == alone.text
    assert set(evicted[0]) <= {token(each) for each in drawn}


@pytest.mark.parametrize("priority", list(RequestPriority))
async def test_a_row_whose_text_cannot_be_delivered_fails_alone(
    own: Bench, monkeypatch: pytest.MonkeyPatch, priority: RequestPriority
) -> None:
    from sidecar.engine.row import Row

    push = Row.push

    def broken(row: Row, each: int) -> Any:
        if row.request.seed == 666 and len(row.tokens) == 3:
            raise UnicodeError("no such character")
        return push(row, each)

    alone = await own.ask("hello", priority=priority, max_tokens=60)
    monkeypatch.setattr(Row, "push", broken)

    neighbour, failed = await asyncio.gather(
        own.ask("hello", priority=priority, max_tokens=60),
        own.ask("hello", priority=priority, max_tokens=60, seed=666),
        return_exceptions=True,
    )

    assert isinstance(failed, EngineFailed)
    assert failed.details == {"reason": "UnicodeError"}
    assert not isinstance(neighbour, BaseException)
    assert neighbour.text == alone.text
    assert not own.engine.status().running.low + own.engine.status().running.high


async def test_a_prompt_that_cannot_be_kept_is_not_kept_and_all_rows_go_on(
    own: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.prefixes import PrefixCache

    tried = 0

    def broken(*_: Any) -> None:
        nonlocal tried
        tried += 1
        raise MemoryError

    other = asyncio.create_task(own.ask("hello", max_tokens=120))
    await own.until(lambda status: status.running.low == 1)
    monkeypatch.setattr(PrefixCache, "keep", broken)

    assert (await own.ask("another prompt " * 20)).end.completion_tokens == 16
    assert (await other).end.completion_tokens == 120
    assert tried


async def test_an_answer_says_that_it_waited_for_memory(own: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from sidecar.engine.lanes import Lanes

    monkeypatch.setattr(Lanes, "needed", lambda _lanes, _row: 1 << 60)  # none but for who is alone in the house

    first, second = await asyncio.gather(*(own.ask("hello", max_tokens=100) for _ in range(2)))

    assert second.end.queued_seconds > first.end.first_token_seconds  # and the 99 tokens after it


async def test_a_person_does_not_wait_until_the_batch_s_thousand_requests_are_in_line(own: Bench) -> None:
    thread, held, ended = own.engine._thread, threading.Event(), asyncio.Event()
    loop, folder = asyncio.get_running_loop(), ModelFolder(own.model, "random")

    def submit(request_id: str, priority: RequestPriority, deliver: Callable[[object], None]) -> None:
        request = GenerationRequest(request_id, [{"role": "user", "content": "hello"}], priority, max_tokens=2)
        thread.submit(Job(folder, request, [], deliver))

    def told(piece: object) -> None:
        if isinstance(piece, Finished):
            loop.call_soon_threadsafe(ended.set)

    own.announced.clear()
    thread._inbox.put(lambda: assert_set(held))
    for number in range(1000):
        submit(str(number), LOW, lambda _: None)
    submit("person", HIGH, told)
    held.set()
    async with asyncio.timeout(60):
        await ended.wait()
    served = next(status for status in own.announced if status.running.high)
    for number in range(1000):
        thread.cancel(str(number), for_person=False)
    await own.until(lambda status: not status.queued.low + status.running.low)

    assert served.queued.low < 500
    assert len(own.announced) < 500  # and not one for each that came and went


def assert_set(event: threading.Event) -> None:
    assert event.wait(60)


async def test_a_paused_background_s_requests_are_counted(own: Bench) -> None:
    await own.engine.pause()
    batch = [asyncio.create_task(own.ask("hello")) for _ in range(3)]
    await own.until(lambda status: status.queued.low == 3)
    batch[1].cancel()
    await own.until(lambda status: status.queued.low == 2)
    await own.engine.resume()

    assert [(await each).end.completion_tokens for each in (batch[0], batch[2])] == [16, 16]
