"""The server's side of the pipe: requests as tasks, cancellation, notifications, the handshake.

Everything here runs on the event loop, but for `Server.post`.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic_core import to_json

from sidecar.errors import (
    AlreadyInitialized,
    InternalError,
    InvalidJsonRpc,
    InvalidParams,
    LineTooLong,
    NotInitialized,
    RequestCancelled,
    SidecarError,
)
from sidecar.protocol.core import CANCEL_REQUEST, INITIALIZE, InitializeParams, InitializeResult
from sidecar.protocol.message import Notification, RequestId
from sidecar.rpc.background import Background
from sidecar.rpc.dispatch import HEAVY_BYTES, Dispatcher, Json, error_response, validated
from sidecar.rpc.envelope import Envelope, EnvelopeError, id_of, opened
from sidecar.rpc.transport import MAX_LINE_BYTES, Line, LineWriter, TooHeavy, TooLong
from sidecar.rpc.weight import LIMITS, can_wait

log = logging.getLogger(__name__)

CLOSE_SECONDS = 0.5
"""How long cancelled requests may take to end, and what they have begun, when the process leaves."""

Params = TypeVar("Params", bound=BaseModel)


class Server:
    """Serves one peer from its first line to the end of the process."""

    def __init__(
        self, writer: LineWriter, dispatcher: Dispatcher, initialize: Callable[[InitializeParams], InitializeResult]
    ) -> None:
        self._writer = writer
        self._dispatcher = dispatcher
        self._initialize = initialize
        self._initialized = False
        self._closing: SidecarError | None = None
        self._running: dict[RequestId, _Served] = {}
        self._background = Background()
        self._loop = asyncio.get_running_loop()
        self._posts = _Posts(self, writer)

    def receive(self, lines: Iterable[Line], arrived: float) -> None:
        """Serves lines that arrived then (`time.monotonic`), and has those of the background wait for their turn. Never
        waits and never raises for what is in them."""
        for line in lines:
            try:
                self._receive(line, arrived)
            except Exception:  # which nobody foresaw: it costs that line and no other
                log.exception("a line could not be served")

    async def notify(self, notification: Notification[Params], params: Params) -> None:
        """Sends a notification as soon as there is room for it.

        Raises:
            LineTooLong: it can never be sent.
        """
        await self._writer.room()
        self._writer.write(to_json({"jsonrpc": "2.0", "method": notification.name, "params": params}))

    def post(self, notification: Notification[Params], params: Params, subject: str = "") -> None:
        """Has a notification sent in its turn, and does not wait for it. From any thread.

        While the reader is slow, a `state` notification replaces the waiting one about the same subject.
        """
        self._loop.call_soon_threadsafe(self._post, notification, params, subject)

    async def close(self, why: SidecarError) -> None:
        """Cancels what runs and waits until it is answered: with `why`, as is what still comes. What a cancelled
        request does to its end has as long for it."""
        self._closing = why
        self._background.drain()
        ending = {*self._dispatcher.finishing, *(served.task for served in self._running.values())}
        for served in self._running.values():
            served.task.cancel()
        if ending:
            await asyncio.wait(ending, timeout=CLOSE_SECONDS)
        await asyncio.sleep(0)  # their answers are written by call-backs of this turn of the loop

    def _receive(self, line: Line, arrived: float) -> None:
        if isinstance(line, TooLong):
            self._refuse(None, LineTooLong("discarded an over-long line", limit=MAX_LINE_BYTES))
        elif isinstance(line, TooHeavy):
            error = LineTooLong(f"a line of too many {line.excess}", limit=LIMITS[line.excess])
            self._refuse(self._unused(id_of(line.head)), error)
        elif self._initialized and can_wait(line):
            self._background.add(partial(self._serve, line, arrived, in_background=True))
        else:
            self._serve(line, arrived)

    def _serve(self, line: bytes | bytearray, arrived: float, *, in_background: bool = False) -> asyncio.Event | None:
        """Returns what says that the line's request has settled, if it began one."""
        try:
            envelope = opened(line)
        except EnvelopeError as bad:
            self._refuse(self._unused(bad.id), bad.error)
            return None
        if envelope.id is None:
            self._notified(envelope)
            return None
        call = _ServedCall(envelope.id, arrived, len(line) >= HEAVY_BYTES, self)
        return self._requested(envelope, call, in_background)

    def _unused(self, request_id: RequestId | None) -> RequestId | None:
        """With the id of a running request an answer would be taken for that one's."""
        return None if request_id in self._running else request_id

    def _requested(self, envelope: Envelope, call: "_ServedCall", in_background: bool) -> asyncio.Event | None:
        request_id = call.id
        if request_id in self._running:
            self._refuse(None, InvalidJsonRpc("the id is in use by a running request", id=request_id))
        elif envelope.method == INITIALIZE.name:
            self._handshake(envelope)
        elif not self._initialized:
            self._refuse(request_id, NotInitialized("initialize comes first"))
        elif envelope.method == CANCEL_REQUEST.name:
            self._refuse(request_id, InvalidJsonRpc(f"{CANCEL_REQUEST.name} is a notification and has no id"))
        elif self._closing:
            self._refuse(request_id, self._closing)
        else:
            task = self._loop.create_task(self._dispatcher.dispatch(envelope, call))
            self._running[request_id] = _Served(task, call.settled if in_background else None)
            # A call-back, because a task that is cancelled before its first step never runs, and must answer too.
            task.add_done_callback(partial(self._done, envelope, call))
            return call.settled
        return None

    def _handshake(self, envelope: Envelope) -> None:
        try:
            if self._initialized:
                raise AlreadyInitialized("the session is open already")
            result = self._initialize(validated(INITIALIZE.params, envelope.params))
        except SidecarError as error:
            self._refuse(envelope.id, error)
            return
        self._initialized = True
        self._write({"jsonrpc": "2.0", "id": envelope.id, "result": result})

    def _notified(self, envelope: Envelope) -> None:
        if envelope.method == CANCEL_REQUEST.name:
            try:
                cancel = validated(CANCEL_REQUEST.params, envelope.params)
            except InvalidParams:
                log.warning("a cancellation without an id")
                return
            served = self._running.get(cancel.id)
            if served and not (served.settled and served.settled.is_set()):
                served.task.cancel()
            else:  # after its request, which may wait to be opened yet; and a thousand of them are no person's wait
                self._background.add(partial(self._cancel, cancel.id))
        else:
            log.warning("ignored a notification", extra={"method": envelope.method[:100]})

    def _cancel(self, request_id: RequestId) -> None:
        if served := self._running.get(request_id):
            served.task.cancel()

    def _done(self, envelope: Envelope, call: "_ServedCall", task: asyncio.Task[Json]) -> None:
        request_id = call.id
        del self._running[request_id]
        call.settle()
        cancelled = self._closing or RequestCancelled("cancelled")
        response = error_response(request_id, cancelled) if task.cancelled() else task.result()
        log.info(
            "request done",
            extra={
                "method": envelope.method[:100],
                "id": request_id,
                "seconds": round(time.monotonic() - call.arrived, 4),
                "outcome": response["error"]["data"].kind if "error" in response else "result",
            },
        )
        self._write(response)

    def _refuse(self, request_id: RequestId | None, error: SidecarError) -> None:
        log.warning("refused a message", extra={"id": request_id, "kind": error.kind})
        self._write(error_response(request_id, error))

    def _write(self, response: Json) -> None:
        try:
            self._writer.write(to_json(response))
        except LineTooLong as error:
            self._refuse(response["id"], error)
        except ValueError as error:  # not JSON, as half a surrogate pair from a file's name is
            log.error("an answer cannot be written as JSON", exc_info=error, extra={"id": response["id"]})
            self._refuse(response["id"], InternalError())

    def _post(self, notification: Notification[Any], params: BaseModel, subject: str) -> None:
        if self._initialized and not self._closing:
            self._posts.add(notification, params, subject)


@dataclass(frozen=True)
class _Served:
    task: asyncio.Task[Json]
    settled: asyncio.Event | None
    """Of one of the background: set once it holds up nothing on the pipe."""


@dataclass(frozen=True)
class _ServedCall:
    id: RequestId
    arrived: float
    is_heavy: bool
    _server: Server
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    async def notify(self, notification: Notification[Params], params: Params) -> None:
        await self._server.notify(notification, params)

    def settle(self) -> None:
        self.settled.set()


class _Posts:
    """Notifications that nobody waits for, in order."""

    def __init__(self, server: Server, writer: LineWriter) -> None:
        self._server = server
        self._writer = writer
        self._waiting: dict[tuple[str, str], tuple[Notification[Any], BaseModel]] = {}
        self._numbers = itertools.count()
        self._sending: asyncio.Task[None] | None = None

    def add(self, notification: Notification[Any], params: BaseModel, subject: str) -> None:
        key = subject if notification.state else f"{subject} {next(self._numbers)}"
        self._waiting[notification.name, key] = (notification, params)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        while self._waiting:
            await self._writer.room()  # first, so that what waits meanwhile can still be replaced
            notification, params = self._waiting.pop(next(iter(self._waiting)))
            await self._server.notify(notification, params)
