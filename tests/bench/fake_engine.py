"""`python -m tests.bench.fake_engine`: the sidecar's own process, pipe and `chat/completions`, and behind them an
engine that costs nothing: it says as many words as `max_tokens` asks for."""

import os
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass

from sidecar.rpc import stdio

if __name__ == "__main__":
    PIPE = stdio.claim()

from sidecar.data_folder import DataFolder
from sidecar.engine import Finished, GenerationRequest, Piece, TextDelta
from sidecar.methods import chat, core
from sidecar.process import Options, Post, run
from sidecar.rpc.dispatch import Namespace

WORD = " word"


@dataclass(frozen=True)
class _Route:
    name: str = "fake"


class _Router:
    async def route(self, _model: str | None, _request: GenerationRequest) -> _Route:
        return _Route()

    async def complete(self, _route: _Route, request: GenerationRequest) -> AsyncGenerator[Piece, None]:
        count = request.max_tokens or 1
        for _ in range(count):
            yield TextDelta(WORD)
        yield Finished(
            finish_reason="stop",
            prompt_tokens=1,
            cached_tokens=0,
            completion_tokens=count,
            queued_seconds=0.0,
            first_token_seconds=0.0,
            total_seconds=0.0,
        )


class _Fake:
    """The application that is served."""

    def __init__(self, _folder: DataFolder, _options: Options, _post: Post, leave: Callable[[], None]) -> None:
        self._leave = leave

    def namespaces(self) -> Mapping[str, Namespace]:
        router = _Router()
        pipes = dict.fromkeys(("ping", "shutdown", "rpc.discover"), lambda: core.bind(leave=self._leave))
        return {**pipes, "chat/completions": lambda: chat.bind(router=router)}  # type: ignore[arg-type]

    async def open(self) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing is kept."""


if __name__ == "__main__":
    run(PIPE, os.getppid(), _Fake)
