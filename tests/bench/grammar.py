"""What a grammar costs: shared by the benchmarks of structured answers and of tools."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator

from tests.bench.answer import Answer
from tests.bench.blocks import alternate
from tests.bench.client import Client
from tests.bench.figure import Figure, Peer, median, skipped
from tests.bench.prompts import text_prompt
from tests.bench.setting import Setting
from tests.pipe import Json, RpcError

PROMPT = 128  # tokens
ANSWER = 128
ROUNDS = 11


def cost(setting: Setting, constraint: Callable[[int], Json]) -> Iterator[Figure]:
    """`ms_per_token` with a grammar against without, of answers that a string of any length keeps going; `compile_ms`
    is how much longer one token takes with a grammar that was never seen. `constraint` makes the members of a
    request that hold the grammar, another one for each number."""
    rng = random.Random(9)
    tokens = setting.tokens(ANSWER)
    fresh = itertools.count(1)

    def ask(members: Json, limit: int) -> Answer:
        return client.chat(text_prompt(PROMPT, rng), max_tokens=limit, stream=False, **members)

    def per_token(members: Json) -> float:
        # By the engine's own clock: a call's first tokens are read with its prompt.
        timings = ask(members, tokens).answered_timings()
        return 1e3 / float(timings["tokens_per_second"])

    def one_token(members: Json) -> float:
        return 1e3 * ask(members, 1).seconds

    with setting.sidecar() as client:
        if refusal := _refusal(client, constraint(0)):
            yield skipped("ms_per_token", "ms", refusal)
            yield skipped("compile_ms", "ms", refusal)
            return
        rounds = setting.rounds(ROUNDS)
        held = alternate({"with": lambda: per_token(constraint(0)), "without": lambda: per_token({})}, rounds)
        without = Peer("without a grammar", median(held["without"]))
        yield Figure("ms_per_token", median(held["with"]), "ms", without, goal="ratio <= 1.05")
        late = alternate({"fresh": lambda: one_token(constraint(next(fresh))), "none": lambda: one_token({})}, rounds)
        pairs = zip(late["fresh"], late["none"], strict=True)
        yield Figure("compile_ms", median([fresh - none for fresh, none in pairs]), "ms", note="seen by the client")


def _refusal(client: Client, members: Json) -> str:
    """Why the sidecar does not take it; empty if it does."""
    try:
        client.chat("hello", max_tokens=2, **members).result()
    except RpcError as error:
        return str(error)
    return ""
