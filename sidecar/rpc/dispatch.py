"""From a request to its handler's answer, through jsonrpcserver.

jsonrpcserver looks the method up, calls it and shapes the response object. What it does not do is done round it:
params and results are validated by pydantic, an error carries its kind and never an exception's own words, and
cancellation passes through (the server answers it).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from sidecar.errors import InternalError, InvalidParams, MethodNotFound, SidecarError
from sidecar.protocol.error import ErrorData
from sidecar.protocol.message import Method, Notification, RequestId
from sidecar.rpc.codes import CODES
from sidecar.rpc.envelope import Envelope

log = logging.getLogger(__name__)

MAX_DETAILS = 10
MAX_DETAIL_CHARACTERS = 200

HEAVY_BYTES = 64 * 1024
"""Of a line, from which on its params are looked at on a thread: 4,096 messages of 300 KB take 50 ms."""

Params = TypeVar("Params", bound=BaseModel)
Result = TypeVar("Result", bound=BaseModel)
Looked = TypeVar("Looked")
Json = dict[str, Any]


class Call(Protocol):
    """What a handler knows of the request it serves, besides its params."""

    @property
    def id(self) -> RequestId: ...

    @property
    def arrived(self) -> float:
        """When its line was whole, of `time.monotonic`."""

    @property
    def is_heavy(self) -> bool:
        """Whether its line is so long that what looks at all of it should not hold up the event loop."""

    async def notify(self, notification: Notification[Params], params: Params) -> None:
        """Sends a notification as soon as there is room for it."""

    def settle(self) -> None:
        """Says that the request's own work is done and others are waited for: of the background's requests the next is
        opened then."""


@dataclass(frozen=True)
class Bound(Generic[Params, Result]):
    """A method and the coroutine that serves it.

    A handler answers with a result of its type, or raises a `SidecarError`. It is cancelled when its caller asks; one
    that `finishes` does what it has begun to its end all the same, while the caller is answered at once: a write must
    not go without what follows from it.
    """

    method: Method[Params, Result]
    handler: Callable[[Params, Call], Awaitable[Result]]
    finishes: bool = False


Namespace = Callable[[], Iterable[Bound[Any, Any]]]
"""Imports and binds the methods of one namespace."""


class Dispatcher:
    """Serves methods whose namespaces are bound at the first request for one of them."""

    def __init__(self, namespaces: Mapping[str, Namespace]) -> None:
        """`namespaces` gives each method's name the namespace that binds it."""
        self._namespaces = namespaces
        self._bound: dict[str, Bound[Any, Any]] = {}
        self._finishing: set[asyncio.Future[Any]] = set()
        self._table = {name: self._serving(name) for name in namespaces}

    @property
    def methods(self) -> list[str]:
        return list(self._namespaces)

    @property
    def finishing(self) -> Set[asyncio.Future[Any]]:
        """What requests have begun that `finishes`, whoever still waits for it."""
        return self._finishing

    async def dispatch(self, envelope: Envelope, call: Call) -> Json:
        """The response object to a request. An error is a response too; only cancellation raises."""
        # Imported with the first request: it brings jsonschema along, which takes longer than all the rest.
        from jsonrpcserver import async_dispatch_to_serializable

        request = {"jsonrpc": "2.0", "id": envelope.id, "method": envelope.method, "params": envelope.params}
        response: Json = await async_dispatch_to_serializable(
            request, self._table, context=call, deserializer=_as_it_is, validator=_as_it_is
        )
        if "error" in response and not isinstance(response["error"].get("data"), ErrorData):
            return error_response(envelope.id, _named(response["error"]["code"], envelope.method))
        return response

    def _serving(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def serve(call: Call, /, **params: Any) -> Any:
            from jsonrpcserver import Error, Success

            try:
                return Success(await self._answer(name, params, call))
            except SidecarError as error:
                if isinstance(error, InternalError):
                    log.exception("internal error", extra={"method": name, "id": call.id})
                return Error(**_error_object(error))
            except Exception:
                log.exception("unexpected error", extra={"method": name, "id": call.id})
                return Error(**_error_object(InternalError()))

        return serve

    async def _answer(self, name: str, params: Json, call: Call) -> BaseModel:
        if name not in self._bound:
            self._bound |= {bound.method.name: bound for bound in self._namespaces[name]()}
        bound = self._bound[name]
        message = await beside(call, partial(validated, bound.method.params, params))
        serving = bound.handler(message, call)
        result = await (self._to_its_end(serving, call) if bound.finishes else serving)
        # Only what is merely notified has no result, and that is not served here.
        schema = cast("type[BaseModel]", bound.method.result)
        try:
            return schema.model_validate(result)
        except ValidationError as error:
            raise InternalError(f"the result of {name} does not fit its schema") from error

    async def _to_its_end(self, serving: Awaitable[Result], call: Call) -> Result:
        task = asyncio.ensure_future(serving)
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(partial(_log_failure, call.id))  # nobody else is left to
            raise


async def beside(call: Call, look: Callable[[], Looked]) -> Looked:
    """What `look` returns or raises: on a thread where the call is heavy."""
    return await asyncio.to_thread(look) if call.is_heavy else look()


def validated(model: type[Params], params: Json) -> Params:
    """`params` as a message.

    Raises:
        InvalidParams: they do not fit; the details say where, without quoting values.
        SidecarError: whatever the message itself raises for them.
    """
    try:
        return model.model_validate(params)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise InvalidParams(
            f"{error.error_count()} members of the params do not fit",
            errors=[
                {"path": ".".join(map(str, problem["loc"]))[:MAX_DETAIL_CHARACTERS], "problem": problem["type"]}
                for problem in problems[:MAX_DETAILS]
            ],
        ) from error


def error_response(request_id: RequestId | None, error: SidecarError) -> Json:
    """The response object that carries `error`."""
    return {"jsonrpc": "2.0", "id": request_id, "error": _error_object(error)}


def _log_failure(request_id: RequestId, task: asyncio.Future[Any]) -> None:
    if task.cancelled() or (error := task.exception()) is None:
        return
    log.error("what a cancelled request had begun failed", exc_info=error, extra={"id": request_id})


def _error_object(error: SidecarError) -> Json:
    details = to_jsonable_python(error.details, fallback=str)
    data = ErrorData(kind=error.kind, retryable=error.retryable, details=details)
    return {"code": CODES[error.kind].rpc, "message": error.message or error.kind, "data": data}


def _named(code: int, method: str) -> SidecarError:
    """What jsonrpcserver found by itself: an unknown method, since our handlers take any params and never raise."""
    if code == CODES[MethodNotFound.kind].rpc:
        return MethodNotFound("no such method", method=method[:MAX_DETAIL_CHARACTERS])
    return InternalError(f"jsonrpcserver answered {code}")


def _as_it_is(message: Any) -> Any:
    return message
