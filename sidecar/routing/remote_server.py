"""Requests to a provider's server: its answers as JSON values, its failures as our errors.

Imported late, as the SDK takes a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import openai

from sidecar.errors import ProviderAnswerInvalid, ProviderUnreachable
from sidecar.routing.remote_answer import GrowingAnswer
from sidecar.routing.remote_errors import Interpreter
from sidecar.routing.remote_http import client
from sidecar.routing.remote_patience import Patience

_END = object()


class Server:
    """Asks once, whatever comes of it."""

    def __init__(self, *, name: str, base_url: str, secret: str | None, patience: Patience) -> None:
        self.patience = patience
        self.interpreter = Interpreter(name, secret)
        with self.interpreter.translated():
            self._client = client(base_url, secret, patience)

    async def listed(self) -> object:
        """The JSON of `/models`.

        Raises:
            ProviderError: the server's failure.
        """
        try:
            with self.interpreter.translated():
                async with asyncio.timeout(self.patience.listing):
                    return await self._client.listed()
        except TimeoutError as error:
            raise self.interpreter.error(ProviderUnreachable, "no answer in time", reason="timeout") from error

    async def events(self, body: dict[str, Any], answer: GrowingAnswer) -> AsyncGenerator[object, None]:
        """The JSON of each event until the stream ends; `answer` is what the caller makes of them.

        Raises:
            ProviderError: the server's failure, or its stream ended before the answer.
        """
        with self.interpreter.translated():
            async with await self._client.streamed(body) as stream:
                kind = stream.response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                if kind in ("text/html", "application/json"):
                    raise self.interpreter.error(ProviderAnswerInvalid, f"{kind} instead of a stream")
                events = aiter(stream)
                event = await anext(events, _END)
                if event is _END and stream.response.num_bytes_downloaded:
                    raise self.interpreter.error(ProviderAnswerInvalid, "no event in what it sent")
                deadline: float | None = None
                while event is not _END:
                    yield event
                    if answer.ended and deadline is None:
                        deadline = asyncio.get_running_loop().time() + self.patience.usage
                    try:
                        async with asyncio.timeout_at(deadline):
                            event = await anext(events, _END)
                    except (TimeoutError, openai.OpenAIError, httpx2.HTTPError, ValueError):
                        if not answer.ended:
                            raise
                        break  # the answer is whole: only how many tokens it had is lost
                if answer.lacks_choices:
                    raise self.interpreter.error(
                        ProviderAnswerInvalid, "fewer choices than asked for", reason="choices"
                    )
                if not answer.ended:
                    raise self.interpreter.error(ProviderUnreachable, "the answer was cut", reason="cut")

    async def close(self) -> None:
        """Ends all connections."""
        await self._client.close()
