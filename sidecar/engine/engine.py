"""The engine as the rest of the program sees it: from the event loop, without a wait on it."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.engine.beside import beside
from sidecar.engine.compiling import Compiling
from sidecar.engine.images import BACKGROUND_PIXELS, PLACES, image_parts, model_bounds, open_pictures
from sidecar.engine.request import (
    Delivered,
    Finished,
    GenerationRequest,
    GrammarNeeded,
    Job,
    KvBits,
    ModelFolder,
    Piece,
    Rank,
    RequestPriority,
    TokensNeeded,
)
from sidecar.engine.residence import GRACE_SECONDS
from sidecar.engine.room import Room
from sidecar.engine.status import EngineStatus, PriorityCounts
from sidecar.engine.thread import REST_SECONDS, UNLOAD_SECONDS, EngineThread
from sidecar.engine.waiting import BATCH, OTHERS, OWN, RANKS
from sidecar.engine.watchdog import HUNG_SECONDS
from sidecar.errors import EngineFailed, SidecarError
from sidecar.worker.picture import Picture
from sidecar.worker.process import Worker

if TYPE_CHECKING:
    from sidecar.engine.grammar import Grammar
    from sidecar.engine.grammars import Grammars

NEWS_SECONDS = 0.05
"""For so long what happens to those who wait outside is gathered."""

TOLD_SECONDS = 0.5
"""How long those whose requests failed as the engine hangs may take to pass that on."""


class Engine:
    """Loads one model at a time, lazily, and answers chats with it; several at once share its steps."""

    def __init__(
        self,
        *,
        attachments: Path,
        cache: Path,
        worker: Worker | None = None,
        on_status: Callable[[EngineStatus], None] | None = None,
        on_hung: Callable[[], None] | None = None,
        background_pixels: int = BACKGROUND_PIXELS,
        budget_bytes: int | None = None,
        kv_bits: KvBits | None = None,
        rest_seconds: float = REST_SECONDS,
        unload_seconds: float = UNLOAD_SECONDS,
        hung_seconds: float = HUNG_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        """`attachments` is the folder of `attachment:<sha256>` URLs, `cache` may be deleted at any time. `worker`
        opens the pictures and is closed with the engine. `on_status` is called on the event loop whenever the status
        changed (not for each token). Pictures of LOW requests are shrunk to `background_pixels`, which may be set at
        any time. `on_hung` is called on the event loop when a step did not return within `hung_seconds`: this engine
        will answer nothing more, and those who waited for it have passed that on, or had time to. After `rest_seconds`
        without work scratch memory is given back, after `unload_seconds` the model's. LOW requests for another model
        wait until this one has served no HIGH one for `grace_seconds`. `budget_bytes` is what the engine may take, by
        default a quarter of the computer's memory within 3 and 12 GiB; `kv_bits` is for tests of other devices'
        ways."""
        self.background_pixels = background_pixels
        self._attachments = attachments
        self._on_status = on_status
        self._on_hung = on_hung
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking: set[asyncio.Task[object]] = set()
        self._hearing: asyncio.Task[None] | None = None
        self._worker = worker or Worker()
        self._closed = False
        # What a thousand of the batch's requests need is nothing to wait behind, nor is another program's for the
        # app's own, and no picture waits for a grammar.
        self._reading = {rank: ThreadPoolExecutor(1, f"reading-{place}") for place, rank in enumerate(RANKS)}
        self._compiling = {rank: ThreadPoolExecutor(1, f"compiling-{place}") for place, rank in enumerate(RANKS)}
        self._under_way: set[Compiling] = set()
        self._places = {rank: asyncio.Semaphore(PLACES) for rank in RANKS}
        self._rooms: dict[tuple[Rank, Path], Room] = {}  # of those who wait for another model none is in the way
        self._has_news = False
        self._thread = EngineThread(
            cache=cache,
            budget_bytes=budget_bytes,
            kv_bits=kv_bits,
            on_status=lambda status: self._tell(self._on_status, self._with_those_outside(status)),
            on_hung=lambda: self._tell(self._hung),
            rest_seconds=rest_seconds,
            unload_seconds=unload_seconds,
            hung_seconds=hung_seconds,
            grace_seconds=grace_seconds,
        )

    async def generate(
        self, model_path: Path, request: GenerationRequest, *, model_id: str | None = None
    ) -> AsyncGenerator[Piece, None]:
        """The answer, piece by piece; the last one of each choice is `Finished`. Loads the model first if it is not
        loaded. Closing the iterator or cancelling its task ends the generation within one step.

        Raises:
            InvalidRequest: a member is out of range, or the chat template refuses the messages.
            InvalidSchema: a schema cannot be enforced.
            InvalidImage: a picture cannot be used.
            ContextLengthExceeded: the prompt leaves no room for an answer.
            ModelNotLoaded: the model cannot be loaded.
            EngineFailed: a step broke off.
        """
        request.check()
        if self._closed:
            raise _has_been_closed()
        loop = self._loop = asyncio.get_running_loop()
        answer = self._answer(_folder(model_path, model_id), request, loop)
        async with self._places_of(model_path, request) as leave, aclosing(answer) as pieces:
            async for piece in pieces:
                leave()  # what has begun has its place among the rows
                yield piece

    async def _answer(
        self, folder: ModelFolder, request: GenerationRequest, loop: asyncio.AbstractEventLoop
    ) -> AsyncGenerator[Piece, None]:
        pictures = await self._pictures(folder.path, request)
        grammar = await self._grammar(folder, request)
        pieces: asyncio.Queue[tuple[int, Delivered]] = asyncio.Queue()
        unended: dict[int, Job] = {}
        ids: Sequence[int] | None = None
        self._note_who_asks()
        try:
            for choice in range(request.n):
                own, own_grammar = _of_one_choice(request, choice), grammar.copy() if grammar else None
                unended[choice] = Job(folder, own, pictures, _delivery(loop, pieces, choice), own_grammar)
                self._thread.submit(unended[choice])
            while unended:
                choice, piece = await pieces.get()
                if isinstance(piece, GrammarNeeded):
                    grammar = grammar or await self._compiled(piece.grammars, request)
                    unended[choice] = replace(unended[choice], grammar=grammar.copy())
                    self._thread.submit(unended[choice])
                    continue
                if isinstance(piece, TokensNeeded):
                    ids = ids or await beside(self._reading[request.rank], piece.encode, _has_been_closed)
                    unended[choice] = replace(unended[choice], ids=ids)
                    self._thread.submit(unended[choice])
                    continue
                if isinstance(piece, Finished | SidecarError):
                    del unended[choice]
                if isinstance(piece, SidecarError):
                    raise piece
                yield replace(piece, choice=choice) if choice else piece
        finally:
            for job in unended.values():
                self._thread.cancel(job.request.request_id, for_person=request.priority == RequestPriority.HIGH)

    @contextlib.asynccontextmanager
    async def _places_of(self, path: Path, request: GenerationRequest) -> AsyncIterator[Callable[[], None]]:
        """The request has its room until the end, or until what this yields is called."""
        places = sum(1 for _ in image_parts(request.messages)) + request.is_constrained
        if request.rank == OWN:
            yield lambda: None
            return
        whose = request.rank, path
        room = self._rooms.setdefault(whose, Room(self._note_news))
        try:
            async with room.taken(places) as leave:
                yield leave
        finally:
            if room.is_empty:
                self._rooms.pop(whose, None)

    def _note_who_asks(self) -> None:
        # Not in `generate` itself: its frame, in the traceback of what it raises, would hold the task that holds that.
        if (task := asyncio.current_task()) is not None and task not in self._asking:
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def unload_model(self) -> None:
        """Frees the model's memory. Running answers are finished first; the next request loads it again. Cancelled
        while they run it is taken back, and the model stays."""
        self._loop = asyncio.get_running_loop()
        await asyncio.wrap_future(self._thread.unload())

    async def pause(self) -> EngineStatus:
        """Holds the background's requests where they are; those of people are served as ever. A request to unload the
        model still lets those that run come to their end."""
        return await self._pause(True)

    async def resume(self) -> EngineStatus:
        """Lets the background's requests go on."""
        return await self._pause(False)

    async def _pause(self, paused: bool) -> EngineStatus:
        self._loop = asyncio.get_running_loop()
        await asyncio.wrap_future(self._thread.pause(paused))
        return self.status()

    def configure(
        self, *, budget_bytes: int | None, rest_seconds: float, unload_seconds: float, background_pixels: int
    ) -> None:
        """Changes what was said at the construction: at once, the budget with the next load."""
        self.background_pixels = background_pixels
        self._thread.configure(budget_bytes=budget_bytes, rest_seconds=rest_seconds, unload_seconds=unload_seconds)

    def status(self) -> EngineStatus:
        """What the engine holds and does now."""
        return self._with_those_outside(self._thread.status)

    def _with_those_outside(self, status: EngineStatus) -> EngineStatus:
        """With those among the queued that wait for room before they are even opened."""
        rooms = list(self._rooms.items())
        high, low = (sum(room.waiting for (of, _), room in rooms if of == rank) for rank in (OTHERS, BATCH))
        queued = PriorityCounts(status.queued.high + high, status.queued.low + low)
        return replace(status, queued=queued) if high or low else status

    def close(self) -> None:
        """Ends the worker process, fails what still runs, and serves nothing more. Returns at once."""
        self._closed = True
        self._thread.close()
        self._worker.close()
        for compiling in list(self._under_way):
            compiling.cancel()
        for executor in (*self._reading.values(), *self._compiling.values()):
            executor.shutdown(wait=False, cancel_futures=True)

    async def _pictures(self, model_path: Path, request: GenerationRequest) -> list[Picture]:
        if not any(True for _ in image_parts(request.messages)):
            return []
        urgent = request.priority == RequestPriority.HIGH
        return await open_pictures(
            request.messages,
            self._attachments,
            self._worker,
            model_bounds(model_path),
            most_pixels=None if urgent else self.background_pixels,
            urgent=urgent,
            reading=self._reading[request.rank],
            places=self._places[request.rank],
        )

    async def _grammar(self, folder: ModelFolder, request: GenerationRequest) -> Grammar | None:
        """The request's grammar, compiled while the engine thread serves others. None where it needs none, and where
        its model is not loaded: the engine thread asks for it once that is."""
        if not request.is_constrained or (grammars := self._thread.grammars(folder)) is None:
            return None
        return await self._compiled(grammars, request)

    async def _compiled(self, grammars: Grammars, request: GenerationRequest) -> Grammar:
        compiling = Compiling()
        self._under_way.add(compiling)
        try:
            work = partial(grammars.compiled, request, compiling)
            return await beside(self._compiling[request.rank], work, _has_been_closed)
        finally:
            compiling.cancel()
            self._under_way.discard(compiling)

    def _hung(self) -> None:
        self._hearing = asyncio.create_task(self._tell_hung())

    async def _tell_hung(self) -> None:
        # Whoever hears of it may end the process, and with it requests that have yet to say that they failed.
        if self._asking:
            await asyncio.wait(self._asking, timeout=TOLD_SECONDS)
        if self._on_hung is not None:
            self._on_hung()

    def _note_news(self) -> None:
        if not self._has_news and self._loop is not None:
            self._has_news = True
            self._loop.call_later(NEWS_SECONDS, self._tell_news)

    def _tell_news(self) -> None:
        self._has_news = False
        if self._on_status is not None:
            self._on_status(self.status())

    def _tell(self, listener: Callable[..., None] | None, *news: EngineStatus) -> None:
        if listener is None or self._loop is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(listener, *news)


def _has_been_closed() -> EngineFailed:
    return EngineFailed("the engine has been closed", reason="closed")


def _of_one_choice(request: GenerationRequest, choice: int) -> GenerationRequest:
    # Callers' ids may repeat; what is cancelled must be this request and no other.
    own_id = f"{request.request_id}/{uuid.uuid4().hex[:8]}"
    return replace(request, request_id=own_id, n=1, seed=None if request.seed is None else request.seed + choice)


def _delivery(
    loop: asyncio.AbstractEventLoop, pieces: asyncio.Queue[tuple[int, Delivered]], choice: int
) -> Callable[[Delivered], None]:
    def deliver(piece: Delivered) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody is left to tell
            loop.call_soon_threadsafe(pieces.put_nowait, (choice, piece))

    return deliver


def _folder(path: Path, model_id: str | None) -> ModelFolder:
    return ModelFolder(path, path.name if model_id is None else model_id)
