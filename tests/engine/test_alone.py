"""An answer beside others is the one given alone; where kernels change with the number of rows, but for what is all but
undecided. On a machine with a GPU this runs there."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from sidecar.engine import backend
from tests.engine.conftest import Answer, Bench

GAPS = {"cpu": {None: 1e-4, 8: 0.01}, "cuda": {None: 0.5, 8: 0.5}, "metal": {None: 0.5, 8: 0.5}}
"""Nats, by device and bits of keys and values: a token may differ from the solo run's where the two likeliest there are
closer. On a CPU likelihoods differ by up to 1e-5 in float32, with 8 bits by 0.0014 (measured). Elsewhere it is four
steps of bfloat16 where the largest logits lie, at 16 to 32."""

WORDS = "what colour is the circle in my picture tell me a story about red blue green dogs one two three"


def chats(number: int) -> list[str]:
    draw = random.Random(1)
    return [" ".join(draw.choices(WORDS.split(), k=draw.randint(3, 120))) for _ in range(number)]


@pytest.mark.parametrize("bits", [None, 8])
async def test_an_answer_in_a_batch_is_the_one_given_alone_up_to_the_stated_gap(
    tmp_path: Path, demo_model: Path, bits: int | None
) -> None:
    bench = Bench(tmp_path, demo_model, kv_bits=(bits, bits))
    members: dict[str, Any] = {"top_logprobs": 2, "max_tokens": 24}

    alone = [await bench.ask(chat, **members) for chat in chats(16)]
    together = await asyncio.gather(*(bench.ask(chat, **members) for chat in chats(16)))

    bench.engine.close()
    assert max(status.running.low for status in bench.announced) >= 4
    gap = GAPS[backend.device()][bits]
    for one, other in zip(alone, together, strict=True):
        compare(one, other, gap)


def compare(alone: Answer, together: Answer, gap: float) -> None:
    for one, other in zip(alone.logprobs, together.logprobs, strict=False):
        if one.token != other.token:
            assert one.top[0].logprob - one.top[1].logprob < gap
            return  # from here on they are different answers
        assert abs(one.logprob - other.logprob) <= gap / 2
    assert alone.text == together.text
