"""One engine thread for all tests, as in the program; the models it loads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sidecar.engine import Engine, EngineStatus, Finished, GenerationRequest, TextDelta, backend
from sidecar.worker import Worker
from tests.engine.synthetic import DEMO_MODEL, write_model

WAIT_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """A whole answer: its pieces of text and its end."""

    pieces: tuple[str, ...]
    end: Finished

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Bench:
    """An engine, the folder of its attachments, and a model to ask by default."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.attachments = folder / "attachments"
        self.attachments.mkdir()
        self.model = model
        self.announced: list[EngineStatus] = []
        self._changed = asyncio.Event()
        self.engine = Engine(attachments=self.attachments, cache=folder / "cache", on_status=self._heard)

    def _heard(self, status: EngineStatus) -> None:
        self.announced.append(status)
        self._changed.set()

    def stream(
        self, messages: str | Sequence[Mapping[str, Any]], *, model: Path | None = None, **members: Any
    ) -> AsyncIterator[TextDelta | Finished]:
        """The pieces of an answer, at most 16 tokens and greedy unless `members` of the request say otherwise."""
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        defaults: dict[str, Any] = {"request_id": "test", "max_tokens": 16, "temperature": 0.0}
        members = defaults | members
        return self.engine.generate(model or self.model, GenerationRequest(messages=messages, **members))

    async def ask(self, messages: str | Sequence[Mapping[str, Any]], **members: Any) -> Answer:
        pieces: list[str] = []
        async with asyncio.timeout(WAIT_SECONDS), aclosing(self.stream(messages, **members)) as stream:  # type: ignore[type-var]
            async for piece in stream:
                if isinstance(piece, Finished):
                    return Answer(tuple(pieces), piece)
                pieces.append(piece.text)
        raise AssertionError("the answer has no end")

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


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


@pytest.fixture(scope="session")
def demo_model() -> Path:
    return DEMO_MODEL


@pytest.fixture(scope="session")
def shared_bench(random_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("bench"), random_model)
    yield bench
    bench.engine.close()


@pytest.fixture
def bench(shared_bench: Bench) -> Bench:
    shared_bench.announced.clear()
    shared_bench._changed = asyncio.Event()
    return shared_bench


Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture
def ask(bench: Bench) -> Ask:
    return bench.ask
