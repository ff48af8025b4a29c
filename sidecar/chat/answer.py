"""An answer on its way: asked of a model, told as it comes, written down while it grows."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import replace

from sidecar.chat.context import Context, is_too_long
from sidecar.chat.listener import Listener
from sidecar.engine import Finished, GenerationRequest, RequestPriority, TextDelta
from sidecar.errors import (
    ContextLengthExceeded,
    DiskFull,
    EngineFailed,
    InternalError,
    SidecarError,
    SidecarRestarted,
    StoreError,
)
from sidecar.routing import Route, Router
from sidecar.store import Database, message
from sidecar.store.message import Message

log = logging.getLogger(__name__)

WRITE_SECONDS = 0.5
"""Between two writes of an answer that grows. A kill loses what came since the last one: at most that and the write."""
RETRY_SECONDS = (0.5, 2.0)
"""How long the end of an answer waits, time after time, for a database that cannot be written; each try waits for a
lock itself (`store/opening.py`)."""
LEFT = SidecarRestarted.kind
"""The kind of an answer that broke off because the process ended, by itself or not."""
ANSWER_TOKENS = 2048
"""Of an answer of the built-in model, which is the engine's own limit."""
ANSWER_CHARACTERS = 500_000
"""Of any answer, longer than any that somebody reads: a provider's that does not end is cut there."""


class Answer:
    """One answer, from the moment its row is there to its end, which is written and told, too."""

    def __init__(
        self, begun: Message, context: Context, route: Route, *, router: Router, database: Database, listener: Listener
    ) -> None:
        """`begun` is its row: empty, or with the text that is to be continued."""
        self._message = begun
        self._pieces = [begun.text]  # of its text: joined where it is asked for, as each takes all of it
        self._length = len(begun.text)
        self._context = context
        self._route = route
        self._router = router
        self._database = database
        self._listener = listener
        self._grown = asyncio.Event()
        self._generation: asyncio.Task[None] | None = None
        self._stopped: str | None = None
        self._is_stopped = False
        self._goes_on_with_the_next = False

    @property
    def message(self) -> Message:
        """As it is now: newer than its row."""
        self._pieces = ["".join(self._pieces)]
        return self._message.saying(*self._pieces)

    async def run(self) -> None:
        """Has it generated; returns when its end is written and told. Never raises for what fails: that is its end."""
        self._listener.changed(self.message)
        if not self._is_stopped:
            self._generation = asyncio.create_task(self._generate())
            writing = asyncio.create_task(self._write_while_it_grows())
            await asyncio.wait({self._generation})
            writing.cancel()
        self._message = self._how_it_ended()
        await self._write_end()
        if self._goes_on_with_the_next:
            self._message = replace(self._message, state="interrupted", kind=LEFT)
        self._listener.changed(self.message)

    def stop(self, kind: str | None = None) -> None:
        """Ends it; it is interrupted then, with that kind of error."""
        self._is_stopped, self._stopped = True, kind
        if self._generation is not None:
            self._generation.cancel()

    async def _generate(self) -> None:
        left = ANSWER_TOKENS
        while True:
            finished = await self._generate_what_fits(left)
            is_cut = finished is None or finished.finish_reason == "length"
            if finished is None or not is_cut or not self._route.provider.is_builtin:
                break
            # A context that is full ends an answer early; with fewer turns before it it can go on.
            left -= finished.completion_tokens
            if left <= 0 or not self._length or len(self._context.turns) < 2:
                break
            self._context = self._context.shorter(ContextLengthExceeded()).continuing(self.message)
        self._message = replace(self._message, state="complete", finish_reason="length" if is_cut else "stop")

    async def _generate_what_fits(self, max_tokens: int) -> Finished | None:
        while True:
            self._message = replace(self._message, dropped_before=self._context.dropped)
            before = self._length
            try:
                return await self._generate_once(max_tokens)
            except SidecarError as error:
                if self._length > before or not is_too_long(error):
                    raise
                self._context = self._context.shorter(error)

    async def _generate_once(self, max_tokens: int) -> Finished | None:
        """How it finished; None: it did not, and is as long as an answer gets."""
        request = GenerationRequest(
            request_id=self._message.id,
            messages=self._context.messages(),
            priority=RequestPriority.HIGH,
            max_tokens=max_tokens if self._route.provider.is_builtin else None,
        )
        async with aclosing(self._router.complete(self._route, request)) as pieces:
            async for piece in pieces:
                match piece:
                    case TextDelta(text=text) if text:
                        self._grow(text[: ANSWER_CHARACTERS - self._length])
                        if self._length >= ANSWER_CHARACTERS:
                            return None
                        # A fast provider's next piece is there already, and nobody else would have a turn.
                        await asyncio.sleep(0)
                    case Finished():
                        return piece
        raise EngineFailed("an answer ended without saying why")

    def _grow(self, text: str) -> None:
        self._listener.said(self._message, self._length, text)
        self._pieces.append(text)
        self._length += len(text)
        self._grown.set()

    async def _write_while_it_grows(self) -> None:
        while True:
            await self._grown.wait()
            self._grown.clear()
            try:
                await self._database.write(message.update, self.message)
            except (StoreError, DiskFull) as error:
                # It goes on; the next write has all of it.
                log.warning("an answer cannot be written now: %s", error)
                self._grown.set()
            await asyncio.sleep(WRITE_SECONDS)

    def _how_it_ended(self) -> Message:
        if self._generation is None or self._generation.cancelled():
            return replace(self._message, state="interrupted", kind=self._stopped)
        error = self._generation.exception()
        if error is None:
            return self._message
        if not isinstance(error, SidecarError):
            log.error("unexpected error", exc_info=error, extra={"id": self._message.id})
            return replace(self._message, state="interrupted", kind=InternalError.kind)
        if isinstance(error, EngineFailed) and error.details.get("reason") == "hung":
            # The process is about to leave, and what its row says is that of one that a crash cut off.
            self._goes_on_with_the_next = True
            return self._message
        said = error.details.get("said")
        words = said if isinstance(said, str) else None
        return replace(self._message, state="interrupted", kind=error.kind, said=words)

    async def _write_end(self) -> None:
        for seconds in (*RETRY_SECONDS, None):
            try:
                await self._database.write(message.update, self.message)
            except (StoreError, DiskFull) as error:
                log.warning("the end of an answer cannot be written now: %s", error)
                if seconds is None:
                    # Its row still says that it streams, and the next turn or start of the app will know better.
                    self._message = replace(self._message, state="interrupted", kind=error.kind, said=None)
                else:
                    await asyncio.sleep(seconds)
            else:
                return
