"""What a person asks at random moments."""

from __future__ import annotations

import math
import random
import time

from tests.bench.answer import Answer, Server
from tests.bench.prompts import text_prompt
from tests.pipe import Json

PROMPT = 256  # tokens of a request of high priority
ANSWER = 2
GAP = (0.02, 0.2)  # seconds between an answer's end and the next arrival, at random


def warm(server: Server, rng: random.Random) -> None:
    """The first load and the first of each shape do not count."""
    for _ in range(2):
        server.chat(text_prompt(PROMPT, rng), max_tokens=ANSWER).result()


def arrive(
    server: Server, count: int, rng: random.Random, until: float = math.inf, *, schemas: bool = False
) -> list[Answer]:
    """So many requests one after the other, or fewer if `until` (of `time.perf_counter`) comes first, but one. With
    `schemas` every other one has a schema of its own, which is compiled before its first step."""
    answers: list[Answer] = []
    for number in range(count):
        if answers and time.perf_counter() > until:
            break
        time.sleep(rng.uniform(*GAP))  # the moment of arrival is what is random here
        members = _with_schema(rng) if schemas and number % 2 else {}
        answers.append(server.chat(text_prompt(PROMPT, rng), max_tokens=ANSWER, **members))
        answers[-1].result()
    return answers


def _with_schema(rng: random.Random) -> Json:
    words = [f"{rng.getrandbits(64):x}" for _ in range(200)]
    schema = {
        "type": "object",
        "properties": {"tags": {"type": "array", "items": {"enum": words}}},
        "required": ["tags"],
    }
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "tags", "schema": schema}}}


def sent_to_step_ms(answer: Answer) -> float:
    """From the client's sending to the engine's first step: TTFT by the client's clock, less what the engine took from
    its first step to the token."""
    prefill: float = answer.answered_timings()["prefill_ms"]
    return 1e3 * answer.ttft - prefill
