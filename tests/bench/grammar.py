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
from tests.bench.setting import Setting
from tests.bench.vocabulary import text_of
from tests.pipe import Json, RpcError

PROMPT = 128  # tokens
ANSWER = 24
HEAD = 32  # of a call there is no choice about: its tokens are not drawn
ROUNDS = 75  # very short answers, often in turn: a shared machine may change its pace from one second to the next
COMPILED = 25


def cost(setting: Setting, constraint: Callable[[int], Json]) -> Iterator[Figure]:
    """`ms_per_token` with a grammar against without, of answers that a long string keeps going; `compile_ms`
    is what the compilation of one takes that was never seen, beside the event loop. `constraint` makes the members of a
    request that hold the grammar, another one for each number."""
    rng = random.Random(9)
    tokens = setting.tokens(ANSWER)

    def ask(members: Json, beginning: str = "", *, most: int) -> Answer:
        return client.chat(beginning + text_of(PROMPT, rng), max_tokens=most, stream=False, **members)

    def per_token(members: Json, beginning: str = "", *, most: int) -> float:
        # By the engine's own clock: a call's first tokens are read with its prompt.
        return 1e3 / float(ask(members, beginning, most=most).answered_timings()["tokens_per_second"])

    with setting.sidecar() as client:
        if refusal := _refusal(client, constraint(0)):
            yield skipped("ms_per_token", "ms", refusal)
            yield skipped("compile_ms", "ms", refusal)
            return
        # Tools stand at the beginning of a prompt: without them it begins with as many words, each of them one token.
        read = [ask(members, most=tokens).result()["usage"]["prompt_tokens"] for members in (constraint(0), {})]
        beginning = text_of(read[0] - read[1], rng)
        sides = {
            "with": lambda: per_token(constraint(0), most=HEAD + tokens),
            "without": lambda: per_token({}, beginning, most=tokens),
        }
        held = alternate(sides, setting.rounds(ROUNDS))
        without = Peer.in_pairs("without a grammar", held["with"], held["without"])
        yield Figure("ms_per_token", median(held["with"]), "ms", without, goals=(Goal("<=", 1.05, "ratio"),))
    compiles = Compilation(setting.repository.folder)
    values = [compiles.milliseconds(constraint(number)) for number in range(1, 1 + setting.rounds(COMPILED))]
    yield Figure("compile_ms", median(values), "ms", note="one never seen, in this process")


def _refusal(client: Client, members: Json) -> str:
    """Why the sidecar does not take it; empty if it does."""
    try:
        client.chat("hello", max_tokens=2, **members).result()
    except RpcError as error:
        return str(error)
    return ""
