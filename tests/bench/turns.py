"""A chat with a picture in its first message grows: its last turn must not cost more than its first."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.bench.answer import Answer
from tests.bench.client import Client
from tests.bench.figure import Figure, median, skipped
from tests.bench.goal import Goal
from tests.bench.prompts import picture_prompt, text_prompt
from tests.bench.setting import Setting

CHATS = 7
TURNS = 8
SIDE = 448  # pixels of the picture: 196 tokens
QUESTION = 60  # tokens
ANSWER = 60


def run(setting: Setting) -> Iterator[Figure]:
    """`ttft_turn8_over_turn1`: the median over chats, each with a picture and words of its own. `cached_share_turn8`:
    how much of the last prompt was not read again."""
    rng = random.Random(7)
    with setting.sidecar() as client:
        _chat(client, rng, setting)
        chats = [_chat(client, rng, setting) for _ in range(setting.rounds(CHATS))]
    first = [chat[0].ttft for chat in chats]
    last = [chat[-1].ttft for chat in chats]
    ratios = [late / early for early, late in zip(first, last, strict=True)]
    yield Figure("ttft_turn1", 1e3 * median(first), "ms")
    yield Figure("ttft_turn8", 1e3 * median(last), "ms")
    yield Figure("ttft_turn8_over_turn1", median(ratios), "", goals=(Goal("<=", 1.0),))
    usages = [chat[-1].result()["usage"] for chat in chats]
    if any(not usage.get("prompt_tokens_details") for usage in usages):
        yield skipped("cached_share_turn8", "", "the answer's usage has no cached_tokens")
    else:
        shares = [usage["prompt_tokens_details"]["cached_tokens"] / usage["prompt_tokens"] for usage in usages]
        yield Figure("cached_share_turn8", median(shares), "")


def _chat(client: Client, rng: random.Random, setting: Setting) -> list[Answer]:
    messages, answers = picture_prompt(SIDE, QUESTION, rng), []
    for _ in range(TURNS):
        answers.append(client.chat(messages, max_tokens=setting.tokens(ANSWER)))
        messages = [*messages, {"role": "assistant", "content": answers[-1].text}, *text_prompt(QUESTION, rng)]
    return answers
