"""How fast one answer is written: against mlx-vlm's bare generation, and what the pipe adds to each token."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from tests.bench.blocks import alternate
from tests.bench.figure import Figure, Peer, median
from tests.bench.goal import Goal
from tests.bench.prompts import text_prompt
from tests.bench.reference import Reference
from tests.bench.repository import Repository
from tests.bench.setting import Setting

PROMPT = 128  # tokens
ANSWER = 128
ROUNDS = 11
OVERHEAD_ROUNDS = 41


def run(setting: Setting) -> Iterator[Figure]:
    """`tokens_per_s` after the first token, medians of answers in alternation; the ratios to `stream_generate` and to a
    `BatchGenerator` with one row. `pipe_overhead_per_token`: how much longer an answer takes when it is streamed."""
    rng = random.Random(1)
    tokens = setting.tokens(ANSWER)

    def ours() -> float:
        answer = client.chat(text_prompt(PROMPT, rng), max_tokens=tokens)
        return 1 / answer.seconds_per_token

    def bare(order: str) -> float:
        reply = reference.order(order, messages=text_prompt(PROMPT, rng), max_tokens=tokens)
        return float(1 / reply["seconds_per_token"])

    with setting.sidecar() as client, Reference.loaded(setting.repository.folder) as reference:
        sides = {"ours": ours, "stream_generate": lambda: bare("stream"), "BatchGenerator": lambda: bare("one_row")}
        rates = alternate(sides, setting.rounds(ROUNDS))
        for metric, name, goal in (
            ("tokens_per_s", "stream_generate", Goal(">=", 0.97, "ratio", "cpu", "mini")),
            ("tokens_per_s_over_one_row", "BatchGenerator", Goal(">=", 0.97, "ratio", "gpu")),
        ):
            peer = Peer.in_pairs(name, rates["ours"], rates[name])
            yield Figure(metric, median(rates["ours"]), "tokens/s", peer, goals=(goal,))
    yield Figure("pipe_overhead_per_token", _overhead(setting), "µs", geometry="tiny")  # whose steps are short


def _overhead(setting: Setting) -> float:
    """Microseconds a token, the median of pairs: the same question, streamed and not."""
    tiny = setting.repository if setting.geometry == "tiny" else Repository.of("tiny")
    tokens = setting.tokens(ANSWER)

    def seconds(seed: int, *, stream: bool) -> float:
        return client.chat(text_prompt(PROMPT, random.Random(seed)), max_tokens=tokens, stream=stream).seconds

    with setting.sidecar(tiny) as client:
        streamed, whole = itertools.count(), itertools.count()
        sides = {
            "streamed": lambda: seconds(next(streamed), stream=True),
            "whole": lambda: seconds(next(whole), stream=False),
        }
        results = alternate(sides, setting.rounds(OVERHEAD_ROUNDS))
    pairs = zip(results["streamed"], results["whole"], strict=True)
    return 1e6 * median([longer - shorter for longer, shorter in pairs]) / tokens
