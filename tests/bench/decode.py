"""How fast one answer is written: against mlx-vlm's bare generation, and what the pipe adds to each token."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.bench.blocks import alternate
from tests.bench.client import Client
from tests.bench.figure import Figure, Peer, median
from tests.bench.prompts import text_prompt
from tests.bench.reference import Reference
from tests.bench.setting import Setting

PROMPT = 128  # tokens
ANSWER = 128
ROUNDS = 11


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
        rates = {name: median(values) for name, values in alternate(sides, setting.rounds(ROUNDS)).items()}
        for name in ("stream_generate", "BatchGenerator"):
            metric = "tokens_per_s" if name == "stream_generate" else "tokens_per_s_over_one_row"
            yield Figure(metric, rates["ours"], "tokens/s", Peer(name, rates[name]), goal="ratio >= 0.97")
        yield Figure("pipe_overhead_per_token", _overhead(client, tokens, setting.rounds(ROUNDS)), "µs")


def _overhead(client: Client, tokens: int, rounds: int) -> float:
    """Microseconds a token, the median of pairs: the same question, streamed and not."""
    seed = 0

    def seconds(*, stream: bool) -> float:
        nonlocal seed
        seed += 1
        return client.chat(text_prompt(PROMPT, random.Random(seed)), max_tokens=tokens, stream=stream).seconds

    sides = {"streamed": lambda: seconds(stream=True), "whole": lambda: seconds(stream=False)}
    results = alternate(sides, rounds)
    pairs = zip(results["streamed"], results["whole"], strict=True)
    return 1e6 * median([streamed - whole for streamed, whole in pairs]) / tokens
