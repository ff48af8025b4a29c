"""What cannot be answered is refused or fails by itself, and the next request is served."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from sidecar.engine import GenerationRequest
from sidecar.errors import ContextLengthExceeded, EngineFailed, InvalidImage, InvalidRequest
from tests.engine.conftest import Bench
from tests.engine.pictures import about, circle, data_url, encoded, noise
from tests.engine.synthetic import write_model


@pytest.fixture(scope="module")
def short_model(prepared: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a context of 256 tokens."""
    return write_model(tmp_path_factory.mktemp("models") / "short", text={"max_position_embeddings": 256})


async def test_a_prompt_longer_than_the_context_is_refused(bench: Bench, short_model: Path) -> None:
    with pytest.raises(ContextLengthExceeded) as refused:
        await bench.ask("word " * 600, model=short_model)

    assert refused.value.details["contextTokens"] == 256
    assert (await bench.ask("hello", model=short_model)).end.completion_tokens == 16


async def test_megabytes_of_text_are_refused_before_anybody_reads_them(
    bench: Bench, short_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.prompt import PromptTemplate

    monkeypatch.setattr(PromptTemplate, "encode", None)  # a call would fail otherwise

    with pytest.raises(ContextLengthExceeded):
        await bench.ask("many words <|im_start|> " * 500_000, model=short_model)


async def test_an_answer_ends_where_the_context_does(bench: Bench, short_model: Path) -> None:
    answer = await bench.ask("hello", max_tokens=10_000, model=short_model)

    assert answer.end.finish_reason == "length"
    assert answer.end.prompt_tokens + answer.end.completion_tokens == 256


@pytest.mark.parametrize(
    ("member", "value"),
    [("messages", []), ("max_tokens", 0), ("temperature", -1.0), ("temperature", 3.0), ("top_p", 1.5), ("stop", ("",))],
)
async def test_a_member_out_of_its_range_is_an_invalid_request(bench: Bench, member: str, value: object) -> None:
    members: dict[str, Any] = {"request_id": "x", "messages": [{"role": "user", "content": "hi"}], member: value}

    with pytest.raises(InvalidRequest) as refused:
        async for _ in bench.engine.generate(bench.model, GenerationRequest(**members)):
            pass

    assert refused.value.details["member"] == member


async def test_an_unknown_role_is_an_invalid_request(bench: Bench) -> None:
    with pytest.raises(InvalidRequest):
        await bench.ask([{"role": "root", "content": "hi"}])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("attachment:" + "0" * 64, "missing"),
        (data_url(b"not a picture"), "not_a_picture"),
        (data_url(encoded(noise())[:9000]), "truncated"),
    ],
)
async def test_a_picture_that_cannot_be_used_is_an_invalid_image_and_the_next_request_is_served(
    bench: Bench, url: str, reason: str
) -> None:
    with pytest.raises(InvalidImage) as refused:
        await bench.ask(about(data_url(encoded(circle("red"))), url))

    assert refused.value.details == {"reason": reason, "index": 1}
    assert (await bench.ask("hello")).end.completion_tokens == 16


async def test_a_step_that_raises_fails_its_requests_and_the_next_is_served(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from sidecar.engine.lane import Lane

    before = await bench.ask("hello")
    step = Lane.step

    def broken(lane: Lane) -> Any:
        if any(row.request.seed == 666 for row in lane.rows.values()):
            raise ValueError("the device is gone")
        return step(lane)

    monkeypatch.setattr(Lane, "step", broken)

    with pytest.raises(EngineFailed) as failed:
        await bench.ask("a secret of mine", seed=666)

    assert failed.value.details == {"reason": "ValueError"}
    assert bench.engine.status().running.low == 0
    assert "a secret" not in caplog.text
    assert (await bench.ask("hello")).text == before.text


async def test_a_fault_that_nobody_foresaw_fails_what_there_is_and_the_engine_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.scheduler import Scheduler

    before = await bench.ask("hello")
    serve = Scheduler._serve_background

    def broken(scheduler: Scheduler) -> None:
        monkeypatch.setattr(Scheduler, "_serve_background", serve)
        raise LookupError("a place that is not there")

    monkeypatch.setattr(Scheduler, "_serve_background", broken)

    with pytest.raises(EngineFailed) as failed:
        await bench.ask("hello")

    assert failed.value.details == {"reason": "LookupError"}
    assert failed.value.retryable
    assert (await bench.ask("hello")).text == before.text


async def test_a_row_whose_draw_raises_fails_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from sidecar.engine import sampling

    alone = await bench.ask("hello", max_tokens=30, temperature=1.0, seed=2)
    draw_seed = sampling.draw_seed

    def broken(seed: int, position: int) -> int:
        if seed == 666 and position == 3:
            raise ArithmeticError
        return draw_seed(seed, position)

    monkeypatch.setattr(sampling, "draw_seed", broken)

    neighbour, failed = await asyncio.gather(
        bench.ask("hello", max_tokens=30, temperature=1.0, seed=2),
        bench.ask("hello", max_tokens=30, temperature=1.0, seed=666),
        return_exceptions=True,
    )

    assert isinstance(failed, EngineFailed)
    assert not isinstance(neighbour, BaseException)
    assert neighbour.text == alone.text


async def test_a_closed_engine_fails_what_runs_and_serves_nothing_more(tmp_path: Path, random_model: Path) -> None:
    bench = Bench(tmp_path, random_model)
    running = asyncio.ensure_future(bench.ask("hello", max_tokens=2000, temperature=1.0))
    await bench.until(lambda status: status.running.low == 1)

    bench.engine.close()

    with pytest.raises(EngineFailed):
        await running
    with pytest.raises(EngineFailed):
        await bench.ask("hello")


async def test_the_log_tells_how_each_request_ended_and_on_which_model(
    bench: Bench, short_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from sidecar.engine import sampling

    await bench.ask("hello", model=short_model)
    caplog.set_level(logging.INFO, "sidecar")
    monkeypatch.setattr(sampling, "draw_seed", None)
    members: dict[str, Any] = {"model": short_model, "max_tokens": 150}

    with pytest.raises(EngineFailed):
        await bench.ask("hello", request_id="drawn", temperature=1.0, seed=1, **members)
    with pytest.raises(ContextLengthExceeded):
        await bench.ask("word " * 600, request_id="refused", **members)
    running = asyncio.create_task(bench.ask("hello", request_id="running", **members))
    await bench.until(lambda status: status.running.low == 1)
    await bench.engine.pause()
    waiting = asyncio.create_task(bench.ask("hello", request_id="waiting", **members))
    await bench.until(lambda status: status.queued.low == 1)
    for each in (running, waiting):
        each.cancel()
    await bench.until(lambda status: not status.queued.low + status.running.low)
    await bench.engine.resume()

    ends: dict[str, list[str]] = {}
    for record in caplog.records:
        told = re.match(r"Request (\w+)\b.*request=(\w+)/", record.getMessage())
        if told:
            ends.setdefault(told[2], []).append(told[1])
            assert vars(record)["model_id"] == short_model.name
    assert ends == {"drawn": ["failed"], "refused": ["failed"], "running": ["cancelled"], "waiting": ["cancelled"]}
