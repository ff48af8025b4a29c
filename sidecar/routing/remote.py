"""One provider's server: any that speaks OpenAI's Chat Completions."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.engine import GenerationRequest, Piece, RequestPriority
from sidecar.errors import (
    ProviderAnswerInvalid,
    ProviderError,
    ProviderFailed,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnreachable,
)
from sidecar.routing.remote_answer import FILTERED, BrokenOff, GrowingAnswer, NotAnAnswer, sound
from sidecar.routing.remote_body import MAX_COMPLETION_TOKENS, MAX_TOKENS, body_of
from sidecar.routing.remote_patience import PATIENCE, Patience
from sidecar.routing.remote_pictures import with_pictures
from sidecar.routing.remote_queue import Places
from sidecar.worker.process import Worker

if TYPE_CHECKING:  # a second of imports, for those who ask a provider
    from sidecar.routing.remote_errors import Interpreter
    from sidecar.routing.remote_server import Server

log = logging.getLogger(__name__)


class Remote:
    """Asks the server, in the form the engine is asked. The key goes to `base_url` and nowhere else: it is in no log
    and no error, and no redirect is followed."""

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        secret: str | None,
        places: Places,
        attachments: Path,
        worker: Worker,
        patience: Patience = PATIENCE,
    ) -> None:
        """`name` is what errors call it, `base_url` what `/chat/completions` is appended to. A chat that is under way
        takes one of `places`. `attachments` is the folder of `attachment:<sha256>` URLs, `worker` opens their pictures.
        `patience` is for tests."""
        self._name = name
        self._base_url = base_url
        self._secret = secret
        self._attachments = attachments
        self._worker = worker
        self._places = places
        self._patience = patience
        self._connected: Server | None = None
        self._closed = False
        self._retired = False
        self._requests = 0
        self._length_members: dict[str, str] = {}

    async def generate(self, identifier: str, request: GenerationRequest) -> AsyncGenerator[Piece, None]:
        """The answer of the model `identifier`, piece by piece; the last one of each choice is `Finished`. Closing the
        iterator or cancelling its task closes the connection, by which servers know to stop.

        `Finished` has the tokens as the server counted them (see `GrowingAnswer.ends`). An answer that the server's
        filter has cut off is an error, not a whole answer. Whether the answer keeps to `request.schema` is the server's
        word: it is asked to enforce it, not checked.

        Raises:
            InvalidRequest: a member is out of range.
            InvalidImage: a picture cannot be used.
            ProviderError: the server did not answer as it should.
        """
        request.check()
        messages = await with_pictures(
            request.messages, self._attachments, self._worker, urgent=request.priority == RequestPriority.HIGH
        )
        async with self._under_way(), self._places.taken(request.rank):
            answer = GrowingAnswer(request.n, queued_seconds=time.monotonic() - request.arrived)
            server = await self._server()
            attempt = 0
            while True:
                begun = False
                member = self._length_members.get(identifier, MAX_TOKENS)
                body = body_of(identifier, request, messages, length_member=member)
                try:
                    async with aclosing(server.events(body, answer)) as events:
                        async for event in events:
                            begun = True
                            for piece in _pieces(answer, event, server.interpreter):
                                yield piece
                    break
                except ProviderError as error:
                    self._check_open()
                    if begun:
                        raise
                    if member in body and _wants_other_member(error, member):
                        self._length_members[identifier] = MAX_COMPLETION_TOKENS
                        continue
                    await _pause(error, attempt, server.patience)
                    self._check_open()
                    attempt += 1
        for end in answer.ends():
            yield end

    async def models(self) -> list[str]:
        """What the server calls the models it has, in its own order.

        Raises:
            ProviderError: it did not answer as it should.
        """
        async with self._under_way():
            server = await self._server()
            attempt = 0
            while True:
                try:
                    listed = await server.listed()
                    break
                except ProviderError as error:
                    self._check_open()
                    await _pause(error, attempt, server.patience)
                    self._check_open()
                    attempt += 1
        identifiers = _identifiers(listed)
        if identifiers is None:
            raise server.interpreter.error(ProviderAnswerInvalid, "no list of models")
        return identifiers

    async def close(self) -> None:
        """Ends all connections; what is under way fails as unreachable."""
        self._closed = True
        if self._connected is not None:
            await self._connected.close()

    async def retire(self) -> None:
        """Another one has taken its place: its connections end with the last request that is under way. Who asks all
        the same is answered over a connection that ends with the answer."""
        self._retired = True
        await self._disconnect_if_done()

    @asynccontextmanager
    async def _under_way(self) -> AsyncGenerator[None]:
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1
            await self._disconnect_if_done()

    async def _disconnect_if_done(self) -> None:
        if self._retired and not self._requests and self._connected is not None:
            server, self._connected = self._connected, None
            with suppress(OSError):
                await server.close()

    async def _server(self) -> Server:
        self._check_open()
        if self._connected is None:
            # In a thread: a second on the event loop would halt everybody's answers.
            connected = await asyncio.to_thread(self._connect)
            self._check_open()
            self._connected = self._connected or connected  # the other one has no connections yet
        return self._connected

    def _connect(self) -> Server:
        from sidecar.routing.remote_server import Server

        return Server(name=self._name, base_url=self._base_url, secret=self._secret, patience=self._patience)

    def _check_open(self) -> None:
        if self._closed:
            raise ProviderUnreachable("the provider was removed", provider=self._name, reason="closed")


def _identifiers(listed: object) -> list[str] | None:
    """What is in the answer of `/models`, None if that is none."""
    if not isinstance(listed, dict) or not isinstance(listed.get("data", ""), list | None):
        return None
    identifiers = []
    for model in listed["data"] or ():  # null is Ollama's way to say that it has none
        identifier = model.get("id") if isinstance(model, dict) else None
        if not isinstance(identifier, str):
            return None
        identifiers.append(sound(identifier))
    return identifiers


def _pieces(answer: GrowingAnswer, event: object, interpreter: Interpreter) -> Iterator[Piece]:
    try:
        yield from answer.push(event)
    except NotAnAnswer as error:
        raise interpreter.error(ProviderAnswerInvalid, str(error)) from error
    except BrokenOff as error:
        kind = ProviderRejected if error.reason == FILTERED else ProviderFailed
        raise interpreter.error(kind, "the answer was broken off", reason=error.reason) from error


def _wants_other_member(error: ProviderError, member: str) -> bool:
    """Whether the model takes `max_completion_tokens` alone, and the server says so, as OpenAI's does."""
    refused = isinstance(error, ProviderRejected) and member == MAX_TOKENS
    return refused and MAX_COMPLETION_TOKENS in str(error.details.get("said"))


async def _pause(error: ProviderError, attempt: int, patience: Patience) -> None:
    """Waits until the server may be asked again.

    Raises:
        ProviderError: it should not be: that would not help, it has been asked often enough, or it wants a longer pause
            than a person would sit through.
    """
    # Who has waited for an answer for minutes should not wait for as long again.
    helps = isinstance(error, ProviderRateLimited | ProviderFailed) or (
        isinstance(error, ProviderUnreachable) and error.details.get("reason") in ("connect", "cut")
    )
    if not helps or attempt == len(patience.pauses):
        raise error
    asked = error.details.get("retryAfter")
    seconds = float(asked) if isinstance(asked, int) else patience.pauses[attempt]
    if seconds > patience.longest_pause:
        raise error
    log.info("Provider is asked again, kind=%s, seconds=%s", error.kind, seconds)
    await asyncio.sleep(seconds)
