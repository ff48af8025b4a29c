"""Requests become answers: alone and together, to their end, to a limit, to a stop string, to a cancel."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from concurrent.futures import Future
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from sidecar.engine import RequestPriority
from sidecar.worker.picture import Picture
from sidecar.worker.process import Worker
from tests.engine.conftest import Bench
from tests.engine.pictures import about, circle, data_url, encoded, noise, plain

PICTURES = {
    "red": data_url(encoded(circle("red"))),
    "noise": data_url(encoded(noise())),
    "small": data_url(encoded(plain("blue", (20, 12)))),
}


async def test_an_answer_streams_piece_by_piece_and_ends_with_its_usage(bench: Bench) -> None:
    answer = await bench.ask("hello", max_tokens=16, temperature=1.0, seed=1)

    assert len(answer.pieces) > 4
    assert all(answer.pieces)
    assert answer.end.finish_reason == "length"
    assert answer.end.completion_tokens == 16
    assert answer.end.prompt_tokens > 5
    assert 0 <= answer.end.queued_seconds <= answer.end.first_token_seconds <= answer.end.total_seconds


async def test_a_request_has_waited_since_it_came_not_since_its_pictures_were_opened(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, seconds = Worker.picture, 0.0

    def watched(*arguments: Any, **members: Any) -> Future[Picture]:
        def done(_: Future[Picture]) -> None:
            nonlocal seconds
            seconds = time.monotonic() - asked

        asked = time.monotonic()
        opening = picture(*arguments, **members)
        opening.add_done_callback(done)
        return opening

    monkeypatch.setattr(Worker, "picture", watched)
    answer = await bench.ask(about(data_url(encoded(noise((1500, 1500))))), max_tokens=1)

    assert 0 < seconds <= answer.end.queued_seconds


async def test_seconds_count_from_the_moment_that_a_request_says_it_arrived_at(bench: Bench) -> None:
    await bench.ask("hello", max_tokens=1)
    end = (await bench.ask("hello", max_tokens=1, arrived=time.monotonic() - 1000)).end
    assert 1000 <= end.queued_seconds <= end.first_token_seconds <= end.total_seconds


async def test_the_tokens_of_pictures_count_as_prompt(bench: Bench) -> None:
    text, one, two = [
        (await bench.ask(about(*urls), max_tokens=1)).end.prompt_tokens
        for urls in ([], [PICTURES["red"]], [PICTURES["red"], PICTURES["noise"]])
    ]

    # A picture of 256 × 256 pixels: 64 tokens between its begin and its end.
    assert (one - text, two - one) == (66, 66)


async def test_pictures_change_the_answer_and_so_does_their_order(bench: Bench) -> None:
    red, grain = PICTURES["red"], PICTURES["noise"]

    answers = [(await bench.ask(about(*urls))).text for urls in ([red], [grain], [red, grain], [grain, red])]

    assert len(set(answers)) == 4


async def test_an_attachment_answers_like_the_same_picture_as_a_data_url(bench: Bench) -> None:
    file = encoded(circle("red"))
    sha256 = hashlib.sha256(file).hexdigest()
    (bench.attachments / f"{sha256}.png").write_bytes(file)

    answer = await bench.ask(about(f"attachment:{sha256}"))

    assert answer.text == (await bench.ask(about(PICTURES["red"]))).text


async def test_answers_in_a_shared_batch_are_those_given_alone(bench: Bench) -> None:
    requests: list[tuple[Any, dict[str, Any]]] = [
        ("hello", {}),
        (about(PICTURES["red"], PICTURES["noise"]), {"temperature": 1.0, "seed": 5, "max_tokens": 24}),
        ("a longer question " * 20, {"temperature": 0.7, "top_p": 0.5, "seed": 6}),
        (about(PICTURES["small"]), {"max_tokens": 5}),
        ("hello", {"temperature": 1.5, "seed": 7, "stop": ("e",)}),
        (about(PICTURES["noise"]), {"seed": 8, "temperature": 1.0}),
    ]
    alone = [await bench.ask(messages, **members) for messages, members in requests]

    together = await asyncio.gather(*(bench.ask(messages, **members) for messages, members in requests))

    assert [answer.text for answer in together] == [answer.text for answer in alone]
    assert [answer.end.finish_reason for answer in together] == [answer.end.finish_reason for answer in alone]


async def test_requests_are_taken_in_the_order_they_came_and_high_priority_first(bench: Bench) -> None:
    ended: list[str] = []

    async def ask(name: str, priority: RequestPriority) -> None:
        await bench.ask("hello " * (60 if name == "low 0" else 1), priority=priority, max_tokens=12)
        ended.append(name)

    # Four rows are busy; those that come now wait.
    busy = [asyncio.ensure_future(bench.ask("hello", max_tokens=150)) for _ in range(4)]
    await bench.until(lambda status: status.running.low == 4)
    waiting = []
    for number in range(3):
        waiting.append(asyncio.ensure_future(ask(f"low {number}", RequestPriority.LOW)))
        await bench.until(lambda status, queued=number + 1: status.queued.low == queued)  # type: ignore[misc]
    waiting.append(asyncio.ensure_future(ask("high", RequestPriority.HIGH)))
    await bench.until(lambda status: status.queued.high == 1)
    await asyncio.gather(*busy, *waiting)

    queued = [(status.queued.high, status.queued.low) for status in bench.announced]
    after_high = [counts for counts in queued[queued.index((1, 3)) :] if counts != (1, 3)]
    assert after_high[0] == (0, 3)
    assert ended == ["high", "low 0", "low 1", "low 2"]


async def test_seeded_answers_repeat_and_unseeded_ones_differ(bench: Bench) -> None:
    seeded = [(await bench.ask("hello", temperature=1.0, seed=5)).text for _ in range(2)]
    others = [(await bench.ask("hello", temperature=1.0)).text for _ in range(3)]

    assert seeded[0] == seeded[1]
    assert len({*others, seeded[0]}) == 4


async def test_without_a_temperature_the_model_s_own_default_counts(bench: Bench) -> None:
    # The random model brings no generation_config.json: then the likeliest token is taken.
    assert (await bench.ask("hello", temperature=None)).text == (await bench.ask("hello", temperature=0.0)).text


async def test_a_stop_string_across_tokens_ends_the_answer_before_it(bench: Bench) -> None:
    members = {"max_tokens": 30, "temperature": 1.0, "seed": 11}
    whole = await bench.ask("hello", **members)
    # From the middle of one piece into the middle of the next.
    at = len("".join(whole.pieces[:5])) - 1
    stop = whole.text[at : at + 4]
    first = whole.text.index(stop)

    stopped = await bench.ask("hello", stop=("never this", stop), **members)

    assert stopped.text == whole.text[:first]
    assert stopped.end.finish_reason == "stop"
    assert stopped.end.completion_tokens < whole.end.completion_tokens


async def test_a_stop_string_that_never_comes_changes_nothing(bench: Bench) -> None:
    members = {"max_tokens": 20, "temperature": 1.0, "seed": 12}
    whole = await bench.ask("hello", **members)

    answer = await bench.ask("hello", stop=(whole.text[-3:] + "never",), **members)

    assert answer.text == whole.text
    assert answer.end.finish_reason == "length"


async def test_streamed_text_has_whole_characters_only(bench: Bench) -> None:
    # Random tokens are full of stray bytes: each stands as U+FFFD, and none is left half way.
    answer = await bench.ask("hello", max_tokens=60, temperature=2.0, seed=3)

    for piece in answer.pieces:
        assert piece.encode().decode() == piece


@pytest.mark.parametrize("how", ["close the iterator", "cancel the task"])
async def test_a_cancelled_answer_ends_within_one_step(bench: Bench, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    from sidecar.engine.lane import Lane

    await bench.load()
    steps = 0
    step = Lane.step

    def counted(lane: Lane) -> Any:
        nonlocal steps
        steps += 1
        return step(lane)

    monkeypatch.setattr(Lane, "step", counted)
    started = asyncio.Event()

    async def read() -> None:
        async with aclosing(bench.stream("hello", max_tokens=2000, temperature=1.0, seed=1)) as stream:
            async for _ in stream:
                started.set()
                if how == "close the iterator":
                    break

    reading = asyncio.ensure_future(read())
    await started.wait()
    if how == "cancel the task":
        reading.cancel()
    await asyncio.wait([reading])
    at_cancel = steps
    await bench.until(lambda status: status.running.low == 0)

    assert steps <= at_cancel + 1
    assert reading.cancelled() == (how == "cancel the task")
    assert (await bench.ask("hello")).end.completion_tokens == 16


async def test_cancelling_one_answer_leaves_its_neighbours_as_they_are(bench: Bench) -> None:
    alone = await bench.ask("hello", max_tokens=40, temperature=1.0, seed=2)
    neighbour = asyncio.ensure_future(bench.ask("hello", max_tokens=40, temperature=1.0, seed=2))
    async with aclosing(bench.stream("hello", max_tokens=2000)) as stream:
        async for _ in stream:
            break

    assert (await neighbour).text == alone.text


async def test_a_request_cancelled_while_it_waits_never_runs(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sidecar")
    busy = [asyncio.ensure_future(bench.ask("hello", max_tokens=60)) for _ in range(9)]
    await bench.until(lambda status: status.running.low > 0)
    waiting = asyncio.ensure_future(bench.ask("hello", request_id="never"))
    await bench.until(lambda status: status.running.low + status.queued.low == 10)

    waiting.cancel()
    await asyncio.gather(*busy)

    assert not any("never" in record.getMessage() for record in caplog.records if "Processing" in record.msg)


async def test_two_requests_with_one_id_are_two_requests(bench: Bench) -> None:
    one = asyncio.ensure_future(bench.ask("hello", request_id="same", max_tokens=40))
    async with aclosing(bench.stream("hello", request_id="same", max_tokens=2000)) as stream:
        async for _ in stream:
            break

    assert (await one).end.completion_tokens == 40


async def test_the_log_names_requests_and_never_their_content(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "sidecar")

    answer = await bench.ask("a secret of mine", request_id="r-1", priority=RequestPriority.HIGH)
    await bench.until(lambda status: status.running.high == 0)

    lines = [record.getMessage() for record in caplog.records]
    assert "Queue size: 1" in lines
    assert any(line.startswith("Processing request with priority=1, request=r-1/") for line in lines)
    assert any(line.startswith("Request processed in ") and "priority=1" in line for line in lines)
    assert "secret" not in caplog.text
    assert answer.text not in caplog.text


async def test_the_status_tells_what_runs_and_how_fast(bench: Bench) -> None:
    await bench.ask("hello", max_tokens=30)
    status = bench.engine.status()

    assert any(seen.running.low == 1 for seen in bench.announced)
    assert (status.loaded, status.running.low, status.queued.low) == (True, 0, 0)
    assert status.model_id == bench.model.name
    assert status.device in ("cpu", "cuda", "metal")
    assert status.tokens_per_second is not None
    assert status.tokens_per_second > 1
    assert status.budget_bytes is not None
    assert 0 < status.active_bytes <= status.peak_bytes < status.budget_bytes


async def test_the_demo_model_names_a_red_circle_and_ends_by_itself(bench: Bench, demo_model: Path) -> None:
    answer = await bench.ask(about(PICTURES["red"], text="What is in this picture?"), model=demo_model, max_tokens=40)

    assert "red circle" in answer.text
    assert answer.end.finish_reason == "stop"


async def test_the_demo_model_names_both_of_two_pictures(bench: Bench, demo_model: Path) -> None:
    # At a size where the demo model is sure of each alone: this is about which picture is where, not about its score.
    pictures = [data_url(encoded(circle(colour, (320, 240)))) for colour in ("blue", "yellow")]

    answer = await bench.ask(about(*pictures, text="What is in these pictures?"), model=demo_model, max_tokens=60)

    assert answer.text.index("blue circle") < answer.text.index("yellow circle")
