"""Asking a `Remote` what a test wants to know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sidecar.engine import Finished, GenerationRequest, Piece, RequestPriority, TextDelta
from sidecar.routing.remote import Remote
from sidecar.routing.remote_patience import PATIENCE, Patience
from sidecar.routing.remote_queue import Places
from sidecar.worker.process import Worker

BRISK = replace(PATIENCE, connect=2, first_byte=1, between=0.5, listing=1, usage=0.5, pauses=(0.01, 0.01))
"""Waits that tests sit out. Those that must not come to their end are bounded by the test itself."""

SECONDS = 20  # of any test's wait


@asynccontextmanager
async def remote(
    url: str,
    *,
    secret: str | None = None,
    concurrency: int = 4,
    attachments: Path = Path("/nonexistent"),
    patience: Patience = BRISK,
) -> AsyncGenerator[Remote]:
    """A server to ask, closed at the end."""
    worker = Worker()
    made = Remote(
        name="Tested",
        base_url=url,
        secret=secret,
        places=Places(concurrency),
        attachments=attachments,
        worker=worker,
        patience=patience,
    )
    try:
        yield made
    finally:
        await made.close()
        worker.close()


def request(content: Any = "Hello?", **members: Any) -> GenerationRequest:
    """A person's request of one message, unless `messages` or `priority` say otherwise."""
    given: dict[str, Any] = {"messages": [{"role": "user", "content": content}], "priority": RequestPriority.HIGH}
    return GenerationRequest(request_id="r", **given | members)


async def answer(remote: Remote, asked: GenerationRequest | None = None, model: str = "m") -> list[Piece]:
    """All pieces of an answer."""
    async with asyncio.timeout(SECONDS), aclosing(remote.generate(model, asked or request())) as pieces:
        return [piece async for piece in pieces]


def text_of(pieces: Sequence[Piece], choice: int = 0) -> str:
    """The text of one choice."""
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta) and piece.choice == choice)


def end_of(pieces: Sequence[Piece], choice: int = 0) -> Finished:
    """The end of one choice, which is the last of its pieces."""
    end = [piece for piece in pieces if piece.choice == choice][-1]
    assert isinstance(end, Finished)
    return end
