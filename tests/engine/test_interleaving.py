"""Whatever comes between, and however little memory there is, the batch's answers are those of solo runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sidecar.engine import Piece, RequestPriority, TextDelta
from tests.engine.conftest import WAIT_SECONDS, Bench, budget_for
from tests.engine.pictures import about, circle, data_url, encoded

HIGH, LOW = RequestPriority.HIGH, RequestPriority.LOW
LONG = "a long prompt of many words " * 40
CHATS: list[Any] = ["hello", LONG, about(data_url(encoded(circle("red")))), "one two three"]
SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "tags": {"type": "array", "items": {"enum": ["a", "b"]}}},
    "required": ["title", "tags"],
    "additionalProperties": False,
}
WAYS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "sampled": {"temperature": 1.0, "seed": 4},
    "penalised": {"temperature": 1.0, "seed": 5, "top_p": 0.9, "frequency_penalty": 1.5},
    "schema": {"temperature": 1.0, "seed": 6, "schema": SCHEMA},
}
TOKENS = 24
GRACE_SECONDS = 0.1


@dataclass(frozen=True)
class Arrival:
    """What comes, and how many changes of the status are waited for before the next."""

    what: str
    chat: int = 0
    way: str = "greedy"
    turns: int = 0


KINDS = [
    *("low", "low", "low", "low elsewhere", "low cancelled", "begun"),
    *("high", "high", "high elsewhere", "high cancelled"),
    *("unload", "pause", "resume"),
]
arrivals_of_any_kind = st.lists(
    st.builds(
        Arrival,
        what=st.sampled_from(KINDS),
        chat=st.integers(0, len(CHATS) - 1),
        way=st.sampled_from(sorted(WAYS)),
        turns=st.integers(0, 6),
    ),
    min_size=3,
    max_size=12,
)


def put_off_by(who: str, *, held: bool = True) -> list[Arrival]:
    """Rows of each kind that have begun when a person comes who needs their memory."""
    pause, resume = [Arrival("pause")] if held else [], [Arrival("resume")] if held else []
    kinds = [*((0, way) for way in WAYS), (2, "sampled")]
    each = [
        [Arrival("low", chat, way), Arrival("surely begun"), *pause, Arrival(who, 1, turns=1), *resume]
        for chat, way in kinds
    ]
    return [arrival for arrivals in each for arrival in arrivals]


@dataclass
class Asked:
    """A request of the batch: whether it has begun, what it has been answered, and what it is answered alone."""

    alone: str
    begun: asyncio.Event
    answer: asyncio.Future[str]


class Interleaving:
    """Asks as the arrivals say, and compares every answer of the batch with its solo run."""

    def __init__(self, bench: Bench, other_model: Path) -> None:
        self._bench = bench
        self._models = {"": bench.model, "elsewhere": other_model}
        self._solo: dict[tuple[str, int, str], str] = {}

    async def run(self, arrivals: list[Arrival]) -> None:
        self._bench._changed = asyncio.Event()
        for each in arrivals:
            if each.what in ("low", "low elsewhere") and (key := (each.what, each.chat, each.way)) not in self._solo:
                self._solo[key] = await self._answered(each, asyncio.Event())
        low: list[Asked] = []
        others: list[asyncio.Future[Any]] = []
        async with asyncio.timeout(WAIT_SECONDS):
            for each in arrivals:
                await self._arrive(each, low, others)
                for _ in range(each.turns):
                    await self._change()
            await self._bench.engine.resume()
            for asked in low:
                assert await asked.answer == asked.alone
            await asyncio.gather(*others)

    async def _arrive(self, each: Arrival, low: list[Asked], others: list[asyncio.Future[Any]]) -> None:
        match each.what:
            case "low" | "low elsewhere":
                alone, begun = self._solo[each.what, each.chat, each.way], asyncio.Event()
                low.append(Asked(alone, begun, asyncio.ensure_future(self._answered(each, begun))))
            case "begun" if low:
                with suppress(TimeoutError):  # it may be held
                    await asyncio.wait_for(low[-1].begun.wait(), 0.5)
            case "surely begun":
                await low[-1].begun.wait()
            case "high" | "high elsewhere":
                others.append(asyncio.ensure_future(self._answered(each, asyncio.Event(), max_tokens=3, priority=HIGH)))
            case "low cancelled" | "high cancelled":
                others.append(asyncio.ensure_future(self._cut_short(each)))
            case "unload":
                others.append(asyncio.ensure_future(self._bench.engine.unload_model()))
            case "pause":
                await self._bench.engine.pause()
            case "resume":
                await self._bench.engine.resume()

    def _stream(self, each: Arrival, **members: Any) -> AsyncGenerator[Piece, None]:
        model = self._models[each.what.partition(" ")[2] if "elsewhere" in each.what else ""]
        return self._bench.stream(CHATS[each.chat], model=model, **{"max_tokens": TOKENS, **WAYS[each.way], **members})

    async def _answered(self, each: Arrival, begun: asyncio.Event, **members: Any) -> str:
        text = ""
        async with aclosing(self._stream(each, **members)) as pieces:
            async for piece in pieces:
                begun.set()
                text += piece.text if isinstance(piece, TextDelta) else ""
        return text

    async def _cut_short(self, each: Arrival) -> None:
        priority = HIGH if each.what == "high cancelled" else LOW
        async with aclosing(self._stream(each, max_tokens=200, priority=priority)) as pieces:
            async for _ in pieces:
                return

    async def _change(self) -> None:
        """Waits for a change of the status, though not long: there may be none."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._bench._changed.wait(), 0.01)
        self._bench._changed.clear()


def check(interleaving: Interleaving, examples: int) -> None:
    """With so many series of arrivals, always the same ones. One that fails is not made shorter: when things come is as
    much a cause as what comes, so that takes minutes and finds little."""

    @settings(max_examples=examples, derandomize=True, phases=[Phase.generate])
    @given(arrivals=arrivals_of_any_kind)
    def interleaved(arrivals: list[Arrival]) -> None:
        asyncio.run(interleaving.run(arrivals))

    interleaved()


def test_whatever_arrives_between_the_batchs_answers_are_those_of_solo_runs(
    random_model: Path, other_model: Path, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, random_model, grace_seconds=GRACE_SECONDS)
    interleaving = Interleaving(bench, other_model)
    full = [Arrival("low", chat, way, turns=1) for chat in range(len(CHATS)) for way in WAYS]

    asyncio.run(interleaving.run([*full, Arrival("high", 1), Arrival("high elsewhere", 0, turns=6)]))
    check(interleaving, 8)

    bench.engine.close()
    assert max(status.running.low for status in bench.announced) >= 4


def test_where_memory_is_short_they_are_too(
    random_model: Path, other_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.lane import Lane

    put_off: set[str] = set()
    evict = Lane.evict

    def noted(lane: Lane) -> Any:
        row, last = evict(lane)
        if row.tokens and last is None:
            way = next(way for way, members in WAYS.items() if members.get("seed") == row.request.seed)
            put_off.add(f"{way}, with a picture" if row.pictures else way)
        return row, last

    # Room for one long row or two short ones.
    bench = Bench(tmp_path, random_model, budget_bytes=budget_for(random_model, 1, 512), grace_seconds=GRACE_SECONDS)
    interleaving = Interleaving(bench, other_model)
    monkeypatch.setattr(Lane, "evict", noted)

    for who in ("high", "high elsewhere"):
        asyncio.run(interleaving.run(put_off_by(who)))
    asyncio.run(interleaving.run(put_off_by("high", held=False)))
    check(interleaving, 6)

    bench.engine.close()
    assert put_off >= {*WAYS, "sampled, with a picture"}
