"""What a grammar costs: shared by the benchmarks of structured answers and of tools."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests.bench.answer import Answer
from tests.bench.blocks import alternate
from tests.bench.client import Client
from tests.bench.compilation import Compilation
from tests.bench.figure import Figure, Peer, median, skipped
from tests.bench.goal import Goal
from tests.bench.prompts import text_prompt
from tests.bench.setting import Setting
from tests.pipe import Json, RpcError

PROMPT = 128  # tokens
ANSWER = 64
HEAD = 32  # of a call there is no choice about: its tokens are not drawn
ROUNDS = 25  # short answers, often in turn: a shared machine drifts within seconds


def cost(setting: Setting, constraint: Callable[[int], Json]) -> Iterator[Figure]:
    """`ms_per_token` with a grammar against without, of answers that a long string keeps going; `compile_ms`
    is what the compilation of one takes that was never seen, beside the event loop. `constraint` makes the members of a
    request that hold the grammar, another one for each number."""
    rng = random.Random(9)
    tokens = HEAD + setting.tokens(ANSWER)

    def ask(members: Json, words: int) -> Answer:
        return client.chat(text_prompt(words, rng), max_tokens=tokens, stream=False, **members)

    def per_token(members: Json, words: int) -> float:
        # By the engine's own clock: a call's first tokens are read with its prompt.
        return 1e3 / float(ask(members, words).answered_timings()["tokens_per_second"])

    with setting.sidecar() as client:
        if refusal := _refusal(client, constraint(0)):
            yield skipped("ms_per_token", "ms", refusal)
            yield skipped("compile_ms", "ms", refusal)
            return
        # Tools stand in the prompt: without them it is as long with more words, each of them one token.
        read = [ask(members, PROMPT).result()["usage"]["prompt_tokens"] for members in (constraint(0), {})]
        words = PROMPT + read[0] - read[1]
        sides = {"with": lambda: per_token(constraint(0), PROMPT), "without": lambda: per_token({}, words)}
        held = alternate(sides, setting.rounds(ROUNDS))
        without = Peer("without a grammar", median(held["without"]))
        yield Figure("ms_per_token", median(held["with"]), "ms", without, goals=(Goal("<=", 1.05, "ratio"),))
    compiles = Compilation(setting.repository.folder)
    values = [compiles.milliseconds(constraint(number)) for number in range(1, 1 + setting.rounds(ROUNDS))]
    yield Figure("compile_ms", median(values), "ms", note="one never seen, in this process")


def _refusal(client: Client, members: Json) -> str:
    """Why the sidecar does not take it; empty if it does."""
    try:
        client.chat("hello", max_tokens=2, **members).result()
    except RpcError as error:
        return str(error)
    return ""
