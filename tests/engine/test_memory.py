"""The engine stays within its memory budget: the background waits, gives way and goes on; people are served."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sidecar.engine import RequestPriority
from sidecar.engine.boundary import Boundary
from sidecar.engine.memory import Memory, Shape
from sidecar.engine.request import Job
from sidecar.engine.step_limits import ChunkLimit
from sidecar.engine.thread import EngineThread
from sidecar.errors import ContextLengthExceeded
from tests.bench.geometry import GEOMETRIES
from tests.engine.conftest import Answer, Bench, budget_for
from tests.engine.pictures import about, data_url, encoded, noise
from tests.engine.synthetic import write_model

HIGH, LOW = RequestPriority.HIGH, RequestPriority.LOW
LONG = "a long prompt of many words " * 60
PICTURE = about(data_url(encoded(noise((256, 256)))))


@pytest.fixture
async def tight(tmp_path: Path, deep_model: Path) -> AsyncIterator[Bench]:
    """An engine with room for three short rows."""
    bench = Bench(tmp_path, deep_model, budget_bytes=budget_for(deep_model, 3, 512))
    yield bench
    bench.engine.close()


@pytest.mark.parametrize("members", [{}, {"temperature": 1.0, "seed": 3}], ids=["greedy", "sampled"])
async def test_a_person_takes_the_batchs_place_and_the_batch_loses_nothing(tight: Bench, members: Any) -> None:
    chats: list[Any] = ["hello", "one two three", PICTURE]
    alone = [await tight.ask(chat, max_tokens=150, **members) for chat in chats]
    batch = [asyncio.ensure_future(tight.ask(chat, max_tokens=150, **members)) for chat in chats]
    await tight.until(lambda status: status.running.low >= 2)

    person = await tight.ask(LONG, priority=HIGH, max_tokens=100)

    assert [(await answer).text for answer in batch] == [answer.text for answer in alone]
    assert person.end.completion_tokens == 100
    served = [status for status in tight.announced if status.running.high]
    assert min(status.running.low for status in served) < 2  # put off
    assert max(status.queued.low for status in served) > 0


async def test_a_person_who_needs_the_place_of_a_prompt_does_not_wait_for_the_rest_of_its_chunk(
    tight: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the midst of the chunk, whose row leaves; the rows beside it lose no token."""
    from sidecar.engine.lane import Lane

    beside = await tight.ask("hello", max_tokens=200)
    whole = await tight.ask(LONG)
    loop, submitted = asyncio.get_running_loop(), threading.Event()
    passed, submit, insert = Boundary.passed, EngineThread.submit, Lane.insert
    asked: list[asyncio.Future[Answer]] = []
    computed: list[str] = []

    def watched_passed(boundary: Boundary, **of: Any) -> bool:
        if of.get("read", 0) > 1 and boundary._give_way is not None:
            computed.append("a layer of the batch's prompt")
            if len(computed) == 2:
                request = tight.ask(LONG, priority=HIGH, max_tokens=300)
                loop.call_soon_threadsafe(lambda: asked.append(asyncio.ensure_future(request)))
                assert submitted.wait(10)
        return passed(boundary, **of)

    def watched_submit(thread: EngineThread, job: Job) -> None:
        submit(thread, job)
        if job.request.priority == HIGH:
            submitted.set()

    def watched_insert(lane: Any, row: Any) -> None:
        if row.request.priority == HIGH:
            computed.append("the person's")
        insert(lane, row)

    monkeypatch.setattr(EngineThread, "submit", watched_submit)
    batch = asyncio.ensure_future(tight.ask("hello", max_tokens=200))
    await tight.until(lambda status: status.running.low == 1)
    monkeypatch.setattr(Boundary, "passed", watched_passed)
    monkeypatch.setattr(Lane, "insert", watched_insert)

    late = await tight.ask(LONG)

    assert computed[1:3] == ["a layer of the batch's prompt", "the person's"]
    assert (await asked[0]).end.completion_tokens == 300
    assert late.text == whole.text
    assert (await batch).text == beside.text


async def test_the_batch_takes_no_more_rows_than_fit(tight: Bench) -> None:
    answers = await asyncio.gather(*(tight.ask(f"text {i}", max_tokens=400) for i in range(8)))

    assert [answer.end.completion_tokens for answer in answers] == [400] * 8
    most = max(status.running.low for status in tight.announced)
    assert 2 <= most <= 4
    assert tight.engine.status().estimated_peak_bytes <= (tight.engine.status().budget_bytes or 0)


@pytest.mark.parametrize("priority", [HIGH, LOW])
async def test_a_long_prompt_is_read_in_shorter_chunks_where_there_is_no_room_for_its_scores(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, priority: RequestPriority
) -> None:
    from sidecar.engine import loader, memory

    whole = await bench.ask(LONG, priority=priority)
    await bench.engine.unload_model()  # or it would be read already
    memory_of = loader._memory
    monkeypatch.setattr(loader, "_memory", lambda *of: replace(memory_of(*of), ahead=True))
    heads = json.loads((bench.model / "config.json").read_text())["text_config"]["num_attention_heads"]
    room_for = 64 * 128 * heads * 4  # the scores of 64 positions that 64 precede, in float32
    budget = bench.engine.status().budget_bytes
    assert budget
    monkeypatch.setattr(memory, "SCORES_SHARE", budget // room_for)
    monkeypatch.setattr(ChunkLimit, "tokens", 256)  # or the batch's would be as short as a slow moment asks
    read: list[int] = []
    passed = Boundary.passed

    def noting(boundary: Boundary, **of: Any) -> bool:
        read.append(of.get("read", 0))
        return passed(boundary, **of)

    monkeypatch.setattr(Boundary, "passed", noting)

    cut = await bench.ask(LONG, priority=priority)

    assert cut.text == whole.text
    chunks = [chunk for chunk, _ in groupby(read) if chunk > 1]
    assert max(chunks) == 64
    assert 32 in chunks[chunks.index(64) :]


async def test_what_chats_have_left_gives_way_to_the_batch(tight: Bench) -> None:
    for number in range(8):
        await tight.ask(f"chat {number} {LONG}"[:600], priority=HIGH, max_tokens=4)
    tight.announced.clear()

    await asyncio.gather(*(tight.ask(f"text {i}", max_tokens=300) for i in range(8)))

    assert max(status.running.low for status in tight.announced) >= 2


async def test_people_wait_for_each_other_where_not_all_fit(tight: Bench) -> None:
    answers = await asyncio.gather(*(tight.ask(f"text {i}", max_tokens=400, priority=HIGH) for i in range(8)))

    assert [answer.end.completion_tokens for answer in answers] == [400] * 8
    assert max(status.running.high for status in tight.announced) <= 4


async def test_a_request_put_off_can_be_cancelled_and_outlives_an_unload(tight: Bench) -> None:
    batch = [asyncio.ensure_future(tight.ask(f"text {i}", max_tokens=300)) for i in range(3)]
    await tight.until(lambda status: status.running.low >= 2)
    person = asyncio.ensure_future(tight.ask(LONG, priority=HIGH, max_tokens=200))
    await tight.until(lambda status: status.running.high == 1 and status.queued.low > 0)

    batch[-1].cancel()
    unloaded = asyncio.ensure_future(tight.engine.unload_model())

    assert [(await answer).end.completion_tokens for answer in batch[:-1]] == [300, 300]
    assert (await person).end.completion_tokens == 200
    await unloaded
    assert not tight.engine.status().loaded


async def test_what_mlx_keeps_for_its_next_arrays_is_bounded_by_the_budget(tight: Bench) -> None:
    import mlx.core as mx

    await tight.load(tight.model)
    limit = mx.set_cache_limit(0)
    mx.set_cache_limit(limit)

    assert limit == (tight.engine.status().budget_bytes or 0) // 32


@pytest.mark.parametrize(
    ("device", "budget", "bits"),
    [("metal", 3 * 10**9, (8, 8)), ("metal", 12 * 10**9, (None, 8)), ("cuda", 3 * 10**9, (None, None))],
)
def test_the_background_has_8_bits_where_there_is_a_kernel_and_people_where_the_budget_asks(
    prepared: None, device: Any, budget: int, bits: Any
) -> None:
    from sidecar.engine import loader

    assert loader._kv_bits(replace(real_memory(), budget=budget), device, 32_768) == bits


async def test_what_can_never_fit_is_refused(tight: Bench) -> None:
    with pytest.raises(ContextLengthExceeded):
        await tight.ask("word " * 6000, priority=HIGH)


async def test_the_estimate_covers_what_is_taken(tmp_path: Path, random_model: Path) -> None:
    import mlx.core as mx

    bench = Bench(tmp_path, random_model)
    await bench.load()
    before = mx.get_active_memory() - sum_of_weights(bench)
    mx.reset_peak_memory()

    await bench.ask(about(data_url(encoded(noise((512, 512)))), text=LONG), priority=HIGH, max_tokens=20)
    await asyncio.gather(*(bench.ask(LONG, max_tokens=20) for _ in range(4)))

    peak = mx.get_peak_memory() - before
    estimate = bench.engine.status().estimated_peak_bytes
    bench.engine.close()
    assert peak <= estimate <= 3 * peak  # of so small a model most is what larger ones have for nothing


async def test_the_estimate_covers_the_features_of_many_pictures(tmp_path: Path, prepared: None) -> None:
    import mlx.core as mx

    wide = {"hidden_size": 512, "intermediate_size": 1536, "max_position_embeddings": 8192}
    budget = 256 << 20  # of which features of three pictures may be kept
    bench = Bench(tmp_path, write_model(tmp_path / "wide", text=wide), budget_bytes=budget)
    await bench.load()
    before = mx.get_active_memory() - sum_of_weights(bench)
    mx.reset_peak_memory()

    random = np.random.default_rng(5)
    pictures = [Image.fromarray(random.integers(0, 256, (256, 256, 3), dtype=np.uint8)) for _ in range(32)]
    chat = about(*(data_url(encoded(picture)) for picture in pictures))
    answer = await bench.ask(chat, priority=HIGH, max_tokens=2)

    peak = mx.get_peak_memory() - before
    estimate = bench.engine.status().estimated_peak_bytes
    bench.engine.close()
    assert answer.end.prompt_tokens > 32 * 64
    assert peak <= estimate <= 1.25 * peak


def test_features_that_are_kept_anyway_are_counted_once(prepared: None) -> None:
    memory = real_memory()  # keeps 31 MB of them; 1024² pixels have 21, a background's 4

    assert memory.seen_bytes([1024]) == 0
    assert memory.seen_bytes([196] * 7) == 0
    assert memory.seen_bytes([196] * 64) == 64 * 196 * 20480 - 31_250_000
    assert memory.seen_bytes([4096, 196]) == 4096 * 20480  # too large to be kept


async def test_a_prompt_has_the_logits_of_its_last_position_only(tmp_path: Path, prepared: None) -> None:
    import mlx.core as mx

    vocabulary = 60_000
    bench = Bench(tmp_path, write_model(tmp_path / "wide", text={"vocab_size": vocabulary}))
    await bench.load()
    before = mx.get_active_memory()
    mx.reset_peak_memory()

    answer = await bench.ask(LONG, max_tokens=2)

    grown = mx.get_peak_memory() - before
    bench.engine.close()
    assert answer.end.prompt_tokens > 256
    assert grown < 256 * vocabulary * 4 / 2  # half of what all logits of one chunk take


def sum_of_weights(bench: Bench) -> int:
    model = bench.engine._thread._scheduler._residence.model
    assert model is not None
    return model.memory.weights


@pytest.mark.parametrize("bits", [(None, 8), (8, 8)], ids=["background", "both"])
async def test_keys_and_values_of_8_bits_serve_batches_chats_and_pictures(
    tmp_path: Path, random_model: Path, bits: Any
) -> None:
    bench = Bench(tmp_path, random_model, kv_bits=bits)

    batch = [asyncio.ensure_future(bench.ask(chat, max_tokens=30)) for chat in ("hello", LONG, PICTURE, LONG)]
    person = await bench.ask("hello", priority=HIGH, max_tokens=30)
    again = await bench.ask("hello there, this is a longer question", priority=HIGH, max_tokens=30)
    more = await bench.ask("hello there, this is a longer question", priority=HIGH, max_tokens=30)

    answers = [await answer for answer in batch]
    bench.engine.close()
    assert [answer.end.completion_tokens for answer in [*answers, person]] == [30] * 5
    assert answers[1].text == answers[3].text
    assert more.text == again.text
    assert more.end.cached_tokens > 16


def test_quantised_keys_and_values_take_half(prepared: None) -> None:
    from sidecar.engine import kv_cache

    config = SimpleNamespace(num_hidden_layers=36, num_key_value_heads=8, head_dim=128)
    plain, quantised = (kv_cache.bytes_a_position(config, 2, bits) for bits in (None, 8))

    assert plain == 147456  # measured for Qwen3-VL-4B
    assert 0.53 < quantised / plain < 0.56


def real_memory(*, fused: bool = True, ahead: bool = False) -> Memory:
    """Of the 4B model, on Metal unless told otherwise."""
    from sidecar.engine import kv_cache

    config = GEOMETRIES["4b"].config()
    text, vision = SimpleNamespace(**config["text_config"]), SimpleNamespace(**config["vision_config"])
    return Memory(
        budget=3_000_000_000,
        weights=2_590_831_616,  # measured
        text=Shape.of_text(text, 2),
        layers=text.num_hidden_layers,
        vision=Shape.of_vision(vision, 2),
        bytes_by_bits={bits: kv_cache.bytes_a_position(text, 2, bits) for bits in (None, 8)},
        fused=fused,
        ahead=ahead,
        bytes_a_visual_token=vision.out_hidden_size * (1 + len(vision.deepstack_visual_indexes)) * 2,
    )


def test_the_real_model_on_metal_stays_below_3_gigabytes_with_4096_tokens(prepared: None) -> None:
    memory = real_memory()

    assert memory.of_one(4096, 8) < 3e9
    assert memory.room(8, 32_768) >= 4096
    assert memory.fixed + memory.encoding_bytes(64 * 64) < 3e9  # a picture of 1024², before it is read
    assert memory.room(None, 32_768) < 4096  # so people's rows are quantised there


def test_where_scores_are_kept_the_chunks_of_a_long_prompt_grow_shorter(prepared: None) -> None:
    memory = real_memory(fused=False, ahead=True)
    read, chunks = 0, []
    while read < 4096:
        chunks.append(chunk := min(memory.chunk(None, read), 4096 - read))
        read += chunk
        assert memory.text.score_bytes(chunk, read) <= memory.budget // 96

    assert chunks[0] == 512
    assert chunks[:-1] == sorted(chunks[:-1], reverse=True)
    assert real_memory().chunk(None, 4000) == 256  # Metal's attention keeps none


@pytest.mark.parametrize("positions", [300, 512, 1000, 2048, 4096])
def test_the_estimate_on_cuda_is_no_less_than_any_chunk_takes(prepared: None, positions: int) -> None:
    memory = real_memory(fused=False, ahead=True)
    read = most = 0
    while read < positions:
        chunk = min(memory.chunk(None, read), positions - read)
        read += chunk
        grown = read * memory.bytes_a_position(None)
        block = memory.text.block_bytes(chunk) + memory.text.score_bytes(chunk, read) + grown // memory.layers
        most = max(most, grown + 2 * block)

    assert most <= positions * memory.bytes_a_position(None) + memory.reading_bytes(positions, None)
    assert memory.of_one(2048, None) < 3.15e9
    assert memory.of_one(4096, None) < 3.4e9


def test_a_large_picture_s_attention_is_computed_in_pieces_where_scores_are_kept(prepared: None) -> None:
    memory, patches = real_memory(fused=False, ahead=True), 64 * 64  # of 1024²

    assert memory.vision.score_bytes(memory.attending(patches), patches) <= 4 * memory.budget // 96
    assert memory.attending(28 * 28) == 28 * 28  # the background's is not cut
    assert memory.fixed + memory.encoding_bytes(patches) < 3.15e9
    assert real_memory().attending(patches) == patches
