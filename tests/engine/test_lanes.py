"""A person's request goes first, at once, and the batch's work comes to the same end as if nothing had been."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sidecar.engine import RequestPriority
from sidecar.engine.request import Job
from sidecar.errors import EngineFailed
from tests.engine.conftest import Answer, Bench
from tests.engine.pictures import about, circle, data_url, encoded

HIGH, LOW = RequestPriority.HIGH, RequestPriority.LOW
LONG = "a long prompt of many words " * 60
PICTURE = about(data_url(encoded(circle("red"))))
CHATS: list[Any] = ["hello", LONG, PICTURE, "one two three"]


def on_step(monkeypatch: pytest.MonkeyPatch, priority: RequestPriority, heard: Callable[[], None]) -> None:
    """`heard` is called on the engine thread after each step of the lane that has rows of this priority."""
    from sidecar.engine.lane import Lane

    step = Lane.step

    def watched(lane: Lane) -> Any:
        mine = any(row.request.priority == priority for row in lane.rows.values())
        result = step(lane)
        if mine:
            heard()
        return result

    monkeypatch.setattr(Lane, "step", watched)


async def running(bench: Bench, **counts: int) -> None:
    await bench.until(lambda status: all(getattr(status.running, name) == count for name, count in counts.items()))


@pytest.mark.parametrize("sampled", [False, True], ids=["greedy", "sampled"])
async def test_the_batch_gets_the_tokens_it_would_have_got_alone(bench: Bench, sampled: bool) -> None:
    members: dict[str, Any] = {"max_tokens": 60, "temperature": 1.0 if sampled else 0.0, "seed": 4}
    alone = [await bench.ask(chat, **members) for chat in CHATS]
    batch = [asyncio.ensure_future(bench.ask(chat, **members)) for chat in CHATS]

    people = [await bench.ask(f"question {i}", priority=HIGH, max_tokens=4) for i in range(6)]

    assert [answer.text for answer in await asyncio.gather(*batch)] == [answer.text for answer in alone]
    assert [answer.end.completion_tokens for answer in people] == [4] * 6


async def test_a_row_too_many_for_the_bound_is_put_off_and_comes_to_the_same_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine import journal, pace
    from sidecar.engine.step_limits import RowLimit

    alone = [await bench.ask(chat, max_tokens=20) for chat in CHATS]
    await bench.engine.unload_model()  # so that the next lane begins with nothing known
    put_off = list[str]()
    monkeypatch.setattr(pace, "RowLimit", partial(RowLimit, seconds=1e-9))
    monkeypatch.setattr(journal, "put_off", lambda row: put_off.append(row.request.request_id))
    together = await asyncio.gather(*[bench.ask(chat, max_tokens=20) for chat in CHATS])
    await bench.engine.unload_model()  # nor does what this one has learned stay

    assert put_off
    assert [answer.text for answer in together] == [answer.text for answer in alone]


async def test_a_request_given_up_while_it_is_tokenised_does_not_come_back_for_want_of_memory(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.lanes import Lanes
    from sidecar.engine.prompt import PromptTemplate

    await bench.ask("hello", max_tokens=1)
    tokenising, given_up, refused = threading.Event(), threading.Event(), threading.Event()
    encode = PromptTemplate.encode

    def held(*args: Any, **members: Any) -> Any:
        tokenising.set()
        assert given_up.wait(30)
        return encode(*args, **members)

    def no_room(*_args: Any, **_members: Any) -> bool:
        refused.set()
        return False

    with monkeypatch.context() as patched:
        patched.setattr(PromptTemplate, "encode", held)
        patched.setattr(Lanes, "make_room", no_room)
        asked = asyncio.ensure_future(bench.ask("hello", max_tokens=200))
        assert await asyncio.to_thread(tokenising.wait, 30)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        given_up.set()
        assert await asyncio.to_thread(refused.wait, 30)

    await bench.ask("hello", priority=HIGH, max_tokens=4)
    status = bench.engine.status()
    assert (status.queued.low, status.running.low) == (0, 0)


async def test_while_a_person_waits_the_batch_makes_no_token(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[RequestPriority] = []
    batch = asyncio.ensure_future(bench.ask("hello", max_tokens=200))
    await running(bench, low=1)
    on_step(monkeypatch, LOW, lambda: steps.append(LOW))
    on_step(monkeypatch, HIGH, lambda: steps.append(HIGH))

    await bench.ask("hello", priority=HIGH, max_tokens=30)
    await batch

    first = steps.index(HIGH)
    last = len(steps) - 1 - steps[::-1].index(HIGH)
    # One step of the batch may have been under way: it ends inside, and the person's steps lie within it.
    assert steps[first : last + 1].count(LOW) <= 1
    assert steps[last + 1 :].count(LOW) > 0


@pytest.mark.parametrize("part", ["a picture's encoding", "an admission"])
async def test_the_longest_stretch_that_is_told_is_also_that_of(
    tmp_path: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    from sidecar.engine.lanes import Lanes
    from sidecar.engine.vision_tower import EvaluatedBlock

    owner, name = (EvaluatedBlock, "__call__") if part == "a picture's encoding" else (Lanes, "make_room")
    call = getattr(owner, name)
    slow = 0.4

    def slow_call(*of: Any, **members: Any) -> Any:
        threading.Event().wait(slow)  # a slow computer
        return call(*of, **members)

    bench = Bench(tmp_path, random_model)
    await bench.ask("hello", max_tokens=2)
    before = bench.engine.status().low_step_p99_ms
    monkeypatch.setattr(owner, name, slow_call)
    await bench.ask(PICTURE, max_tokens=2)
    after = bench.engine.status().low_step_p99_ms
    bench.engine.close()

    assert before is not None
    assert after is not None
    assert after >= 1e3 * slow > before


@pytest.mark.parametrize("chat", [PICTURE, LONG], ids=["picture", "chunk of a prompt"])
async def test_a_person_goes_first_between_two_blocks_of_the_batchs_work(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, chat: Any
) -> None:

    from sidecar.engine.scheduler import Scheduler
    from sidecar.engine.thread import EngineThread

    alone = await bench.ask(chat, max_tokens=5)
    loop, submitted = asyncio.get_running_loop(), threading.Event()
    give_way, submit = Scheduler._give_way, EngineThread.submit
    asked: list[asyncio.Future[Answer]] = []
    boundaries = 0
    ended_within = False

    def watched_give_way(self: Scheduler) -> bool:
        nonlocal boundaries, ended_within
        boundaries += 1
        if boundaries != 2:
            return give_way(self)
        loop.call_soon_threadsafe(
            lambda: asked.append(asyncio.ensure_future(bench.ask("hello", priority=HIGH, max_tokens=3)))
        )
        assert submitted.wait(10)
        keeps = give_way(self)
        ended_within = self.status.queued.high + self.status.running.high == 0
        return keeps

    def watched_submit(self: EngineThread, job: Job) -> None:
        submit(self, job)
        if job.request.priority == HIGH:
            submitted.set()

    monkeypatch.setattr(Scheduler, "_give_way", watched_give_way)
    monkeypatch.setattr(EngineThread, "submit", watched_submit)

    answer = await bench.ask(chat, max_tokens=5)

    assert ended_within
    assert (await asked[0]).end.completion_tokens == 3
    assert answer.text == alone.text


@pytest.mark.parametrize("elsewhere", [False, True], ids=["this model", "another model"])
async def test_a_person_does_not_wait_while_a_long_text_of_the_batch_is_tokenised(
    bench: Bench, other_model: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    from sidecar.engine.prompt import PromptTemplate

    loop, begun, served = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    encode = PromptTemplate.encode
    in_time: list[bool] = []

    def slow(template: PromptTemplate, messages: Any, *others: Any) -> list[int]:
        if messages[0]["content"] == LONG:
            loop.call_soon_threadsafe(begun.set)
            in_time.append(served.wait(10))
        return encode(template, messages, *others)

    chats = ["hello", LONG]
    alone = [await bench.ask(chat, max_tokens=60) for chat in chats]
    weights = bench.engine.status().active_bytes
    monkeypatch.setattr(PromptTemplate, "encode", slow)
    batch = [asyncio.ensure_future(bench.ask(chat, max_tokens=60)) for chat in chats]
    await begun.wait()

    person = await bench.ask("hello", model=other_model if elsewhere else None, priority=HIGH, max_tokens=3)
    held = bench.engine.status().active_bytes
    served.set()

    assert person.end.completion_tokens == 3
    assert held < weights * 1.5  # of one model, not of two
    assert [(await answer).text for answer in batch] == [answer.text for answer in alone]
    assert in_time == [True]


async def test_a_block_that_is_built_while_the_one_before_is_computed_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a GPU gets, whose kernels are waited for late."""
    chats: list[Any] = [LONG, PICTURE]
    alone = [await bench.ask(chat, max_tokens=5) for chat in chats]
    await bench.engine.unload_model()  # and with it what was read
    await bench.load()
    model = bench.engine._thread._scheduler._residence.model
    assert model is not None
    monkeypatch.setattr(model.boundary, "ahead", True)

    batch = [asyncio.ensure_future(bench.ask(chat, max_tokens=5)) for chat in chats]
    people = [await bench.ask(f"{number} {LONG}", priority=HIGH, max_tokens=2) for number in range(2)]

    assert [(await answer).text for answer in batch] == [answer.text for answer in alone]
    assert [answer.end.completion_tokens for answer in people] == [2, 2]


async def test_several_people_share_a_batch(bench: Bench) -> None:
    answers = await asyncio.gather(*(bench.ask("hello", priority=HIGH, max_tokens=40) for _ in range(4)))

    assert len({answer.text for answer in answers}) == 1
    assert max(status.running.high for status in bench.announced) > 1


async def test_a_paused_batch_keeps_its_place_and_people_are_served(bench: Bench) -> None:
    alone = await bench.ask("hello", max_tokens=100)
    batch = asyncio.ensure_future(bench.ask("hello", max_tokens=100))
    await running(bench, low=1)

    assert (await bench.engine.pause()).paused
    waiting = asyncio.ensure_future(bench.ask("another", max_tokens=5))
    await bench.ask("hello", priority=HIGH)
    status = bench.engine.status()
    await bench.engine.resume()

    assert status.running.low == 1
    assert status.queued.low == 1
    assert (await batch).text == alone.text
    assert (await waiting).end.completion_tokens == 5


async def test_unloading_while_the_batch_is_paused_lets_it_come_to_its_end(bench: Bench) -> None:
    batch = asyncio.ensure_future(bench.ask("hello", max_tokens=60))
    await running(bench, low=1)
    await bench.engine.pause()

    await bench.engine.unload_model()
    await bench.engine.resume()

    assert (await batch).end.completion_tokens == 60


async def test_at_rest_the_lanes_are_gone_and_later_the_model_is(tmp_path: Path, random_model: Path) -> None:
    bench = Bench(tmp_path, random_model, rest_seconds=0.01, unload_seconds=0.05)
    first = await bench.ask("hello")

    await bench.until(lambda status: not status.loaded)

    assert not bench.engine._thread._scheduler._lanes
    assert (await bench.ask("hello")).text == first.text
    bench.engine.close()


async def test_idle_for_a_minute_it_rests_and_for_half_an_hour_it_unloads(
    tmp_path: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.inbox import Inbox

    waits: queue.SimpleQueue[float | None] = queue.SimpleQueue()
    wait = Inbox.wait

    def noted(inbox: Inbox, seconds: float | None) -> bool:
        waits.put(seconds)
        return wait(inbox, seconds)

    async def long_wait(name: str, **options: float) -> float:
        (tmp_path / name).mkdir()
        bench = Bench(tmp_path / name, random_model, **options)
        await bench.ask("hello")
        while (seconds := await asyncio.to_thread(waits.get, timeout=30)) is None or seconds < 1:
            continue
        bench.engine.close()
        return seconds

    monkeypatch.setattr(Inbox, "wait", noted)

    assert 50 < await long_wait("before it rests") <= 60
    assert 1790 < await long_wait("at rest", rest_seconds=0.01) <= 1800


async def test_a_step_that_hangs_fails_its_requests_and_tells_the_process(
    tmp_path: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.lane import Lane

    def hangs(_lane: Lane) -> None:
        freed.wait(30)
        raise RuntimeError

    told, freed = asyncio.Event(), threading.Event()
    bench = Bench(tmp_path, random_model, on_hung=told.set, hung_seconds=0.2)
    await bench.load()
    with monkeypatch.context() as patched:
        patched.setattr(Lane, "step", hangs)

        with pytest.raises(EngineFailed) as failed:
            await bench.ask("hello")
        await asyncio.wait_for(told.wait(), 10)

        freed.set()
        await bench.until(lambda status: status.running.low == 0)
    bench.engine.close()
    await bench.until(lambda status: not status.loaded)
    assert failed.value.details == {"reason": "hung"}
    assert failed.value.retryable


def test_where_blocks_are_computed_ahead_the_wait_for_other_rows_is_not_the_prompts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sidecar.engine.boundary import Boundary

    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    boundary = Boundary(ahead=True)
    with boundary.background(lambda: True):
        for seconds in (0.040, 0.002, 0.003, 0.002):  # the first layer waits for the step that was under way
            now += seconds
            boundary.passed(read=256)

    longest, read = boundary.longest_read
    assert longest == pytest.approx(0.005)
    assert read == 256
    assert boundary.longest_stretch == pytest.approx(0.042)


async def test_the_batch_reads_as_much_of_a_prompt_as_the_limit_says(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.boundary import Boundary
    from sidecar.engine.step_limits import ChunkLimit

    alone = await bench.ask(LONG, max_tokens=5)
    read: list[int] = []
    passed = Boundary.passed

    def watched(self: Boundary, **members: Any) -> bool:
        read.append(members.get("read", 0))
        return passed(self, **members)

    monkeypatch.setattr(Boundary, "passed", watched)
    monkeypatch.setattr(ChunkLimit, "tokens", 96)

    answer = await bench.ask(f"Once more: {LONG}", max_tokens=5)

    assert alone.end.completion_tokens == answer.end.completion_tokens == 5
    assert max(read) == 96


async def test_the_end_of_the_rows_step_is_cut_off_from_a_prompt_that_is_read_beside_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.boundary import Boundary
    from sidecar.engine.step_limits import RowLimit

    cuts = 0
    measured: list[tuple[int, float]] = []
    passed = Boundary.passed

    def watched(self: Boundary, **members: Any) -> bool:
        nonlocal cuts
        cuts += members.get("drawn", False)
        return passed(self, **members)

    monkeypatch.setattr(Boundary, "passed", watched)
    monkeypatch.setattr(RowLimit, "measured", lambda _self, rows, stretch: measured.append((rows, stretch)))

    await asyncio.gather(bench.ask("Hello", max_tokens=40), bench.ask(LONG, max_tokens=5))

    assert cuts > 1
    assert {rows for rows, _ in measured} == {1, 2}
    assert all(stretch > 0 for _, stretch in measured)
