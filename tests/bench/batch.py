"""Tagging many files: requests that share a long instruction and differ in the file."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack

from tests.bench import peer
from tests.bench.answer import Server
from tests.bench.figure import Figure, Peer, median
from tests.bench.goal import Goal
from tests.bench.prompts import text_prompt
from tests.bench.setting import ROOMY_BUDGET_GB, Setting
from tests.bench.vocabulary import text_of
from tests.pipe import Json

REQUESTS = 32
PREFIX = 600  # tokens of the instruction that all share
FILE = 100  # tokens of each file
ANSWER = 48  # tokens at most
ROUNDS = 3
GOAL = Goal(">=", 1.5, "ratio", "cpu")
_TAGS = [f"tag-{at}" for at in range(40)]
_SCHEMA: Json = {
    "type": "object",
    "properties": {"tags": {"type": "array", "minItems": 3, "maxItems": 5, "items": {"type": "string", "enum": _TAGS}}},
    "required": ["tags"],
    "additionalProperties": False,
}
_FORM: Json = {"response_format": {"type": "json_schema", "json_schema": {"name": "tags", "schema": _SCHEMA}}}


def run(setting: Setting) -> Iterator[Figure]:
    """`requests_per_min` of 32 low-priority requests sent at once, each round with another instruction; the peer gets
    the same prompts right after, without the schema, and writes as many tokens for each as ours had. The peer knows no
    budget: of a large model `requests_per_min_roomy` is with memory for eight rows."""
    ours, theirs = [], []
    with ExitStack() as stack:
        client = stack.enter_context(setting.sidecar())
        _warm(client, _FORM)
        server = stack.enter_context(setting.peer_server()) if setting.peer else None
        if server:
            _warm(server, {})
        for turn in range(setting.rounds(ROUNDS)):
            prompts = _prompts(turn, setting)
            rate, lengths = _rate(client, prompts, [setting.tokens(ANSWER)] * len(prompts), _FORM)
            ours.append(rate)
            if server:
                theirs.append(_rate(server, prompts, lengths, {})[0])
    compared = Peer(peer.NAME, median(theirs)) if theirs else None
    yield Figure("requests_per_min", median(ours), "requests/min", compared, goals=(GOAL,))
    if setting.geometry == "4b":
        with setting.sidecar(budget_gb=ROOMY_BUDGET_GB) as client:
            _warm(client, _FORM)
            rounds = [_prompts(turn, setting) for turn in range(setting.rounds(ROUNDS))]
            roomy = [_rate(client, prompts, [setting.tokens(ANSWER)] * len(prompts), _FORM)[0] for prompts in rounds]
        yield Figure("requests_per_min_roomy", median(roomy), "requests/min", compared)


def _warm(server: Server, form: Json) -> None:
    """The first load and the first of each shape do not count."""
    prompts = [text_prompt(PREFIX, random.Random(seed)) for seed in range(8)]
    _rate(server, prompts, [4] * len(prompts), form)


def _prompts(turn: int, setting: Setting) -> list[list[Json]]:
    count = 4 if setting.quick else REQUESTS
    rng = random.Random(turn)
    instruction = {"role": "system", "content": text_of(PREFIX, rng)}
    return [[instruction, {"role": "user", "content": text_of(FILE, rng)}] for _ in range(count)]


def _rate(server: Server, prompts: list[list[Json]], lengths: list[int], form: Json) -> tuple[float, list[int]]:
    """Requests a minute, and how many tokens each answer had."""
    started = time.perf_counter()
    answers = [
        server.chat(prompt, priority=10, max_tokens=length, **form)
        for prompt, length in zip(prompts, lengths, strict=True)
    ]
    tokens = [answer.tokens for answer in answers]
    return 60 * len(prompts) / (time.perf_counter() - started), tokens
