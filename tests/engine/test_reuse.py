"""What was read once is not read again, and the answer is the one it would have been."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidecar.engine import Finished, RequestPriority
from tests.engine.conftest import Answer, Bench
from tests.engine.pictures import about, circle, data_url, encoded

HIGH, LOW = RequestPriority.HIGH, RequestPriority.LOW
INSTRUCTIONS = "Choose the tags that fit the text from this list: invoice, travel, family, work, music, garden. " * 4
PICTURE = about(data_url(encoded(circle("red"))))


@pytest.fixture
def fresh(tmp_path: Path, random_model: Path) -> Iterator[Bench]:
    """An engine that has read nothing yet."""
    bench = Bench(tmp_path, random_model)
    yield bench
    bench.engine.close()


async def turns(bench: Bench, first: Any, count: int, **members: Any) -> list[tuple[Answer, list[Any]]]:
    """The answers of a chat, and the messages of each."""
    messages: list[Any] = first if isinstance(first, list) else [{"role": "user", "content": first}]
    answers = []
    for turn in range(count):
        answer = await bench.ask(messages, priority=HIGH, **members)
        answers.append((answer, messages))
        messages = [
            *messages,
            {"role": "assistant", "content": answer.text},
            {"role": "user", "content": f"and number {turn}, what of it?"},
        ]
    return answers


@pytest.mark.parametrize("first", ["What are you?", PICTURE], ids=["text", "picture"])
async def test_a_chat_reads_only_its_new_turn(tmp_path: Path, demo_model: Path, first: Any) -> None:
    # What a trained model says comes back in the tokens it was said in.
    bench = Bench(tmp_path, demo_model)
    chat = await turns(bench, first, 4, max_tokens=60)
    bench.engine.close()

    assert chat[0][0].end.cached_tokens == 0
    for (before, _), (answer, _) in pairwise(chat):
        assert before.end.finish_reason == "stop"
        assert answer.end.cached_tokens == before.end.prompt_tokens + before.end.completion_tokens
        assert answer.end.cached_tokens < answer.end.prompt_tokens


@pytest.mark.parametrize("members", [{}, {"temperature": 1.0, "seed": 5}], ids=["greedy", "sampled"])
async def test_the_answers_are_those_of_whoever_reads_all(
    fresh: Bench, tmp_path: Path, random_model: Path, members: Any
) -> None:
    chat = await turns(fresh, PICTURE, 3, **members)

    (tmp_path / "other").mkdir()
    for number, (answer, messages) in enumerate(chat):
        (tmp_path / f"other/{number}").mkdir()
        other = Bench(tmp_path / f"other/{number}", random_model)
        assert (await other.ask(messages, priority=HIGH, **members)).text == answer.text
        other.engine.close()


async def test_another_picture_of_the_same_size_is_no_hit(fresh: Bench) -> None:
    await fresh.ask(PICTURE, priority=HIGH)

    other = await fresh.ask(about(data_url(encoded(circle("blue")))), priority=HIGH)

    assert other.end.cached_tokens < 16 or other.end.cached_tokens < 0.3 * other.end.prompt_tokens


@pytest.mark.parametrize("priority", [HIGH, LOW])
async def test_what_one_origin_has_read_is_told_to_no_other(fresh: Bench, priority: RequestPriority) -> None:
    question = INSTRUCTIONS + "Which of them fits my letter to the bank?"
    for guest in (False, True):
        read = [(await fresh.ask(question, priority=priority, guest=guest)).end for _ in range(2)]

        assert read[0].cached_tokens == 0
        assert read[1].cached_tokens > 0.8 * read[1].prompt_tokens


async def test_the_batchs_instructions_are_read_once(fresh: Bench) -> None:
    texts = [INSTRUCTIONS + text for text in ("A bill for shoes.", "Our week in Rome.", "The roses are out.", "Notes.")]

    answers = [await fresh.ask(text, priority=LOW) for text in texts]

    assert answers[0].end.cached_tokens == 0
    for answer in answers[1:]:
        assert answer.end.cached_tokens > 0.8 * answer.end.prompt_tokens
    (kept,) = fresh.engine._thread._scheduler._lanes.get(LOW).prefixes._kept.values()  # type: ignore[union-attr]
    assert len(kept.key) <= answers[1].end.prompt_tokens  # what they share, and no more


async def test_a_chat_that_was_stopped_goes_on_from_there(fresh: Bench) -> None:
    question = [{"role": "user", "content": "Tell me a long story about the sea, please."}]
    text = ""
    async with aclosing(fresh.stream(question, priority=HIGH, max_tokens=400)) as stream:
        async for piece in stream:
            assert not isinstance(piece, Finished)
            text += getattr(piece, "text", "")
            if len(text) > 40:
                break

    more = [*question, {"role": "assistant", "content": text}, {"role": "user", "content": "And then?"}]
    answer = await fresh.ask(more, priority=HIGH)

    assert answer.end.cached_tokens > 20


async def test_at_rest_nothing_is_kept(tmp_path: Path, random_model: Path) -> None:
    bench = Bench(tmp_path, random_model, rest_seconds=0.01)
    await bench.ask("Tell me about the garden of my neighbour.", priority=HIGH)
    await bench.until(lambda _: bench.engine._thread._scheduler._lanes is None)

    again = await bench.ask("Tell me about the garden of my neighbour.", priority=HIGH)
    bench.engine.close()

    assert again.end.cached_tokens == 0


def _layers(positions: int) -> list[Any]:
    import mlx.core as mx
    from mlx_vlm.models.cache import KVCache

    layer = KVCache()
    layer.update_and_fetch(mx.zeros((1, 1, positions, 64)), mx.zeros((1, 1, positions, 64)))
    return [layer]


def test_the_least_used_prefix_makes_room_and_a_longer_one_takes_a_shorter_ones_place(prepared: None) -> None:
    from sidecar.engine.prefixes import PrefixCache

    one = 2 * 256 * 64 * 4  # bytes of up to 256 positions
    cache = PrefixCache(2 * one)
    keys = [np.arange(start, start + 100) for start in (0, 1000, 2000)]
    cache.keep(keys[0][:50], _layers(50))
    cache.keep(keys[0], _layers(100))
    assert len(cache) == 1

    cache.keep(keys[1], _layers(100))
    assert cache.longest(np.append(keys[0], 7)) is not None
    cache.keep(keys[2], _layers(100))

    assert cache.nbytes == 2 * one
    assert cache.longest(keys[1]) is None
    assert cache.longest(keys[0]) is not None
    assert cache.longest(keys[2][:10]) is None  # too short to be worth it
    cache.shrink(0)
    assert (len(cache), cache.nbytes) == (0, 0)


@pytest.mark.parametrize("bits", [None, 8])
def test_reading_on_from_a_beginning_leaves_the_kept_one_alone(prepared: None, bits: int | None) -> None:
    import mlx.core as mx

    from sidecar.engine import kv_cache

    def read(layers: list[Any], positions: int, value: float) -> None:
        for layer in layers:
            layer.update_and_fetch(*[mx.full((1, 2, positions, 64), value)] * 2)

    def numbers(layer: Any) -> Any:
        of = layer.keys if isinstance(layer.keys, mx.array) else layer.keys[0]
        return np.array(of[..., :40, :])

    first = kv_cache.empty(3, bits)
    read(first, 40, 1.0)
    kept = kv_cache.copied(first, 0)
    before = [numbers(layer) for layer in kept]

    for _ in range(2):
        begun = kv_cache.beginning(kept, 30)
        read(begun, 10, 2.0)
        mx.eval([layer.keys for layer in begun])

    for layer, was in zip(kept, before, strict=True):
        assert (numbers(layer) == was).all()
