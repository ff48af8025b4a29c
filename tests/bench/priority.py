"""The person never waits for the batch: requests of high priority that arrive while low-priority work saturates the
engine."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

from tests.bench import peer
from tests.bench.answer import Answer, Server
from tests.bench.arrivals import arrive, warm
from tests.bench.busy import GIGABYTE, Busy, ballast
from tests.bench.client import Client
from tests.bench.figure import Figure, Peer, median, p99, skipped
from tests.bench.goal import Goal
from tests.bench.load import MIXED, Saturation
from tests.bench.reference import Reference
from tests.bench.setting import ROOMY_BUDGET_GB, Setting
from tests.pipe import MAX_LINE_BYTES

LOW_ANSWER = 128
ROUNDS, ARRIVALS = 5, 40  # 200 arrivals without load and 200 with it, in alternating blocks
PEER_TURNS, PEER_ARRIVALS = (0, 2, 4), 20
PEER_SECONDS = 40.0  # with load in one turn: where one of its answers takes a minute, our own blocks come first
BLOCKS_SECONDS = 430.0  # for all blocks
BUSY_ARRIVALS = 100  # the fewest that have a 99th percentile beside their worst
THROUGHPUT_SECONDS = 16.0  # in 8 hardly anything but prompts is read: rounds of one run gave 0.6 and 1.0
THROUGHPUT_ROUNDS = 2
MOST_OVER_IDLE = {"p50": 1.2, "p99": 1.35}  # TTFT with load over without
MOST_LATE = {"p50": 25, "p99": 60}  # ms that load may add to it
SAME_STEP = 0.002  # seconds: pieces that come closer together are rows of one step


@dataclass
class Measured:
    """What one server did: answers of high priority without and with load, and the steps of the load meanwhile."""

    idle: list[Answer] = field(default_factory=list)
    loaded: list[Answer] = field(default_factory=list)
    low_steps: list[float] = field(default_factory=list)

    def over_idle(self) -> tuple[float, float]:
        """TTFT with load over without, at the median and the 99th percentile."""
        idle, loaded = _ttfts(self.idle), _ttfts(self.loaded)
        return median(loaded) / median(idle), p99(loaded) / p99(idle)


def run(setting: Setting) -> Iterator[Figure]:
    """TTFT of requests of high priority, their wait for the engine's first step, the steps of the background, and what
    the bounds of those cost in throughput. With the peer under the same load, and once more with the pipe busy."""
    rng = random.Random(2)
    size = MAX_LINE_BYTES // 16 if setting.quick else GIGABYTE
    with ExitStack() as stack:
        repository = stack.enter_context(ballast(setting.repository, setting.scratch / "hub", size))
        client = stack.enter_context(setting.sidecar(repository))
        server = stack.enter_context(setting.peer_server()) if setting.peer else None
        ours, theirs = Measured(), Measured()
        warm(client, rng)
        if server:
            with server.turn():
                warm(server, rng)
        rounds = setting.rounds(ROUNDS)
        deadline = time.monotonic() + BLOCKS_SECONDS
        for turn in range(rounds):
            if time.monotonic() > deadline:
                break  # the figures say how many arrivals they are of
            setting.tell(f"blocks {turn + 1} of {rounds}")
            # There and back: what the machine does beside this falls on both.
            without_load_first = turn % 2 == 0
            _round(client, ours, ARRIVALS, rng, setting, without_load_first=without_load_first)
            if server and turn in PEER_TURNS:
                with server.turn():
                    _round(server, theirs, PEER_ARRIVALS, rng, setting, PEER_SECONDS)
        yield from _waits(ours, theirs if server else None)
        yield Figure(
            "low_step_p99", client.status()["lowStepP99Ms"], "ms", goals=(Goal("<=", 60),), note="without giving way"
        )
        yield from _busy(setting, client, ours, rng)
    yield from _throughput(setting)


def _round(
    server: Server,
    measured: Measured,
    count: int,
    rng: random.Random,
    setting: Setting,
    seconds: float = math.inf,
    *,
    without_load_first: bool = True,
) -> None:
    arrivals = setting.rounds(count)
    if without_load_first:
        measured.idle += arrive(server, arrivals, rng)
    with Saturation(server, MIXED, setting.tokens(LOW_ANSWER), rng.getrandbits(32)) as low:
        low.wait_until_it_runs()
        since = time.perf_counter()
        answers = arrive(server, arrivals, rng, time.perf_counter() + seconds)
        moments = [moment for moment in low.arrivals() if moment > since]
    measured.loaded += answers
    measured.low_steps += _steps(moments, answers)
    if not without_load_first:
        measured.idle += arrive(server, arrivals, rng)


def _steps(moments: list[float], high: list[Answer]) -> list[float]:
    """Seconds between steps of the background, as far as no request of high priority stood between them. An upper
    bound: a step that gives no row a token counts as part of the next."""
    steps = [later for earlier, later in pairwise(moments) if later - earlier > SAME_STEP]
    return [
        later - earlier
        for earlier, later in pairwise(steps)
        if not any(answer.sent < later and answer.sent + answer.seconds > earlier for answer in high)
    ]


def _waits(ours: Measured, theirs: Measured | None) -> Iterator[Figure]:
    idle, loaded = _ttfts(ours.idle), _ttfts(ours.loaded)
    yield from _queue_wait(ours, ours.loaded, "")
    if ours.low_steps:
        yield Figure("low_step_p99_seen", 1e3 * p99(ours.low_steps), "ms", note="from token to token, by the client")
    else:
        yield skipped("low_step_p99_seen", "ms", "no two steps of the background without a request between them")
    for name, of in (("p50", median), ("p99", p99)):
        them = (
            {
                state: Peer(peer.NAME, 1e3 * of(_ttfts(answers)))
                for state, answers in (("idle", theirs.idle), ("loaded", theirs.loaded))
            }
            if theirs
            else {}
        )
        yield Figure(f"ttft_{name}_idle", 1e3 * of(idle), "ms", them.get("idle"))
        note = f"{len(theirs.loaded)} arrivals at the peer" if theirs else ""
        yield Figure(f"ttft_{name}_loaded", 1e3 * of(loaded), "ms", them.get("loaded"), note=note)
        goal = Goal("<=", MOST_LATE[name], device="gpu", geometry="4b")
        yield Figure(f"ttft_{name}_loaded_minus_idle", 1e3 * (of(loaded) - of(idle)), "ms", goals=(goal,))
    for at, (name, most) in enumerate(MOST_OVER_IDLE.items()):
        goal = Goal("<=", most, device="cpu", geometry="mini")
        compared = Peer(peer.NAME, theirs.over_idle()[at]) if theirs else None
        yield Figure(f"ttft_{name}_loaded_over_idle", ours.over_idle()[at], "", compared, goals=(goal,))


def _queue_wait(ours: Measured, answers: list[Answer], suffix: str) -> Iterator[Figure]:
    """From a request's arrival, when the sidecar has read its line, to the engine's first step for it; and once more
    from the client's sending, by the client's clock: with the way through the pipe, behind what lies in it."""
    count = f"{len(answers)} arrivals"
    told = [answer.timings for answer in answers if answer.timings and "queue_ms" in answer.timings]
    if len(told) == len(answers):
        waits = [timings["queue_ms"] for timings in told]
        yield Figure(f"queue_wait_p99{suffix}", p99(waits), "ms", goals=(Goal("<", 100),), note=count)
        sent = [1e3 * ttft - timings["prefill_ms"] for ttft, timings in zip(_ttfts(answers), told, strict=True)]
        yield Figure(f"sent_to_step_p99{suffix}", p99(sent), "ms", note="by the client, with its own delays")
        return
    yield skipped(f"queue_wait_p99{suffix}", "ms", "the engine's answers carry no timings")
    late = [1e3 * (ttft - median(_ttfts(ours.idle))) for ttft in _ttfts(answers)]
    note = f"{count}; by the client: TTFT beyond the median without load"
    yield Figure(f"late_p99{suffix}", p99(late), "ms", note=note)


def _throughput(setting: Setting) -> Iterator[Figure]:
    """Background alone: with its bounds on every step, without them, and as mlx-vlm runs it; each from the first
    request on, and with memory for all of it."""
    seconds = 1.0 if setting.quick else THROUGHPUT_SECONDS
    tokens = setting.tokens(LOW_ANSWER)

    def saturated(client: Client, turn: int) -> float:
        with Saturation(client, MIXED, tokens, turn) as low:
            started = time.perf_counter()
            time.sleep(seconds)
            low.wait_until_it_runs()  # as it does by then, unless the measurement is a quick one
            return len(low.arrivals()) / (time.perf_counter() - started)

    def bare(turn: int) -> float:
        prompts = [prompt(random.Random(turn)) for prompt in MIXED]
        reply = reference.order("saturate", prompts=prompts, max_tokens=tokens, seconds=seconds)
        return float(reply["tokens_per_second"])

    with ExitStack() as stack:
        bounded = stack.enter_context(setting.sidecar(budget_gb=ROOMY_BUDGET_GB))
        _saturate_once(bounded, tokens)
        unbounded = stack.enter_context(setting.unbounded())
        _saturate_once(unbounded, tokens)
        reference = stack.enter_context(Reference.loaded(setting.repository.folder))
        sides = (partial(saturated, bounded), partial(saturated, unbounded), bare)
        rates: list[list[float]] = [[], [], []]
        for turn in range(setting.rounds(THROUGHPUT_ROUNDS)):
            for at in (0, 1, 2) if turn % 2 == 0 else (2, 1, 0):
                rates[at].append(sides[at](turn))
    ours, without, theirs = map(median, rates)
    yield Figure("low_tokens_per_s", ours, "tokens/s", Peer("BatchGenerator without bounds", theirs))
    goals = Goal(">=", 0.75, device="cpu", geometry="mini"), Goal(">=", 0.5, device="gpu", geometry="4b")
    note = f"{without:.4g} tokens/s without bounds"
    yield Figure("low_throughput_ratio", ours / without, "", goals=goals, note=note)


def _saturate_once(client: Client, tokens: int) -> None:
    """The first load, and the first of each shape, do not count."""
    with Saturation(client, MIXED, tokens, 7) as low:
        low.wait_until_it_runs()


def _busy(setting: Setting, client: Client, ours: Measured, rng: random.Random) -> Iterator[Figure]:
    line = MAX_LINE_BYTES // 32 if setting.quick else 30 * 2**20
    low = Saturation(client, MIXED, setting.tokens(LOW_ANSWER), 99)
    with Busy(client, setting.scratch / "data", line) as busy, low:
        low.wait_until_it_runs()
        answers = arrive(client, setting.rounds(BUSY_ARRIVALS), rng, schemas=True)
        done = ", ".join(f"{name} {count} times" for name, count in busy.done.items())
    for name, why in busy.refused.items():
        yield skipped(f"busy_{name}", "", why)
    for figure in _queue_wait(ours, answers, "_busy"):
        yield replace(figure, note=f"{figure.note}; meanwhile: {done}")


def _ttfts(answers: list[Answer]) -> list[float]:
    return [answer.ttft for answer in answers]
