"""One engine thread for all tests, as in the program; the models it loads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sidecar.engine import (
    Engine,
    EngineStatus,
    Finished,
    GenerationRequest,
    Piece,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
    backend,
)
from sidecar.engine.images import PLACES
from sidecar.engine.waiting import RANKS
from sidecar.worker.process import Worker
from tests.engine.synthetic import DEMO_MODEL, write_model

WAIT_SECONDS = 100  # a bound, not a measure: the machine may be busy with other things


@dataclass(frozen=True)
class Answer:
    """A whole answer: its pieces of text, all that was delivered, and its end."""

    pieces: tuple[str, ...]
    deltas: tuple[TextDelta | ToolCallDelta, ...]
    end: Finished

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def logprobs(self) -> list[TokenLogprob]:
        return [logprob for delta in self.deltas if isinstance(delta, TextDelta) for logprob in delta.logprobs]

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Name and arguments of each tool call."""
        pieces: dict[int, list[ToolCallDelta]] = {}
        for delta in self.deltas:
            if isinstance(delta, ToolCallDelta):
                pieces.setdefault(delta.index, []).append(delta)
        return [(of[0].name or "", "".join(delta.arguments for delta in of)) for of in pieces.values()]


class Bench:
    """An engine, the folder of its attachments, and a model to ask by default."""

    def __init__(self, folder: Path, model: Path, **options: Any) -> None:
        """`options` are the engine's; the background does not wait for a person who may go on unless they say so."""
        options = {"grace_seconds": 0.0} | options
        self.attachments = folder / "attachments"
        self.attachments.mkdir()
        self.model = model
        self.announced: list[EngineStatus] = []
        self._changed = asyncio.Event()
        self.engine = Engine(attachments=self.attachments, cache=folder / "cache", on_status=self._heard, **options)

    def _heard(self, status: EngineStatus) -> None:
        self.announced.append(status)
        self._changed.set()

    def stream(
        self, messages: str | Sequence[Mapping[str, Any]], *, model: Path | None = None, **members: Any
    ) -> AsyncGenerator[Piece, None]:
        """The pieces of an answer, at most 16 tokens and greedy unless `members` of the request say otherwise."""
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        defaults: dict[str, Any] = {"request_id": "test", "max_tokens": 16, "temperature": 0.0}
        members = defaults | members
        return self.engine.generate(model or self.model, GenerationRequest(messages=messages, **members))

    async def load(self, model: Path | None = None) -> None:
        """Has the model loaded, by a request for one token."""
        await self.ask("load", model=model, max_tokens=1)

    async def ask(self, messages: str | Sequence[Mapping[str, Any]], **members: Any) -> Answer:
        (answer,) = await self.ask_for(1, messages, **members)
        return answer

    async def ask_for(self, n: int, messages: str | Sequence[Mapping[str, Any]], **members: Any) -> list[Answer]:
        """`n` answers to one request."""
        deltas: list[list[TextDelta | ToolCallDelta]] = [[] for _ in range(n)]
        ends: dict[int, Finished] = {}
        async with asyncio.timeout(WAIT_SECONDS), aclosing(self.stream(messages, n=n, **members)) as stream:
            async for piece in stream:
                if isinstance(piece, Finished):
                    assert piece.choice not in ends
                    ends[piece.choice] = piece
                else:
                    deltas[piece.choice].append(piece)
        return [
            Answer(tuple(delta.text for delta in of if isinstance(delta, TextDelta)), tuple(of), ends[choice])
            for choice, of in enumerate(deltas)
        ]

    async def until(self, condition: Callable[[EngineStatus], bool]) -> EngineStatus:
        """Waits for a status."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not condition(status := self.engine.status()):
                self._changed.clear()
                await self._changed.wait()
            return status


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The process as the engine thread sets it up; for tests that import MLX themselves."""
    backend.prepare(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def random_model(prepared: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small model with random weights."""
    return write_model(tmp_path_factory.mktemp("models") / "random")


@pytest.fixture
async def own(tmp_path: Path, random_model: Path) -> AsyncIterator[Bench]:
    """An engine of the test's own, with its model."""
    bench = Bench(tmp_path, random_model)
    await bench.load()
    yield bench
    bench.engine.close()


@pytest.fixture(scope="session")
def other_model(prepared: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with other weights, which answers otherwise."""
    return write_model(tmp_path_factory.mktemp("models") / "other", seed=8)


@pytest.fixture(scope="session")
def deep_model(prepared: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whose keys and values are most of what a request takes, as they are of a large model's."""
    shape = {"num_hidden_layers": 12, "num_key_value_heads": 4}
    return write_model(tmp_path_factory.mktemp("models") / "deep", text=shape)


def budget_for(model: Path, rows: int, positions: int) -> int:
    """What that many rows of so many positions need."""
    from sidecar.engine import loader
    from sidecar.engine.lane import KV_STEP

    memory = loader.load(model, backend.device(), 1 << 40).memory
    each = -(-positions // KV_STEP) * KV_STEP * memory.bytes_a_position(None)
    needed = memory.weights + rows * each + memory.reading_bytes(positions, None)
    return needed * 97 // 96  # the kept features' share


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


@pytest.fixture(scope="session")
def demo_model() -> Path:
    return DEMO_MODEL


@pytest.fixture(scope="package")
def shared_bench(random_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    # An engine at rest starts a process, which tests would count.
    bench = Bench(tmp_path_factory.mktemp("bench"), random_model, rest_seconds=3600)
    yield bench
    bench.engine.close()


@pytest.fixture
def bench(shared_bench: Bench) -> Bench:
    shared_bench.announced.clear()
    shared_bench._changed = asyncio.Event()  # each test has an event loop of its own
    shared_bench.engine._places = {rank: asyncio.Semaphore(PLACES) for rank in RANKS}
    return shared_bench


Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture
def ask(bench: Bench) -> Ask:
    return bench.ask
