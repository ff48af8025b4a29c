"""One JSON-RPC 2.0 request or notification, before its params are looked at."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from sidecar.errors import InvalidJsonRpc, InvalidParams, ParseError
from sidecar.protocol.message import RequestId
from sidecar.rpc.transport import HEAD_BYTES

MAX_ID_CHARACTERS = 200
MAX_ID_NUMBER = 2**53 - 1
"""Above it, a number changes on its way through JavaScript."""
TOO_DEEP = "recursion limit"  # in the words of pydantic's parser
MAX_DEPTH = 200
"""Of lists and objects in one another; pydantic's own."""
PARAMS = re.compile(rb'"params"\s*:')


@dataclass(frozen=True)
class Envelope:
    """`id` is None for a notification."""

    id: RequestId | None
    method: str
    params: dict[str, Any]


class EnvelopeError(Exception):
    """A message that is not served; `id` is that of the answer, None where none could be told."""

    def __init__(self, error: ParseError | InvalidJsonRpc | InvalidParams, request_id: RequestId | None) -> None:
        super().__init__(error)
        self.error = error
        self.id = request_id


def opened(line: bytes | bytearray) -> Envelope:
    """The message in `line`.

    Raises:
        EnvelopeError: not JSON, not one JSON-RPC 2.0 request, or one whose params are not named.
    """
    try:
        message = from_json(line, allow_inf_nan=False)
    except ValueError as error:
        # Whoever sent a request waits for its answer, and its id may well be told: params are what others wrote.
        head = PARAMS.split(bytes(line[:HEAD_BYTES]), maxsplit=1)[0]
        raise EnvelopeError(_not_parsed(error), id_of(head)) from error
    if isinstance(message, list):
        raise EnvelopeError(InvalidJsonRpc("batches are not served"), None)
    if not isinstance(message, dict):
        raise EnvelopeError(InvalidJsonRpc("not an object"), None)
    request_id = message.get("id")
    if "id" in message and not _is_id(request_id):
        raise EnvelopeError(InvalidJsonRpc("the id is not a short string or a whole number"), None)
    method = message.get("method")
    if message.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise EnvelopeError(InvalidJsonRpc("not a JSON-RPC 2.0 request"), request_id if "method" in message else None)
    params = message.get("params", {})
    if isinstance(params, list):
        raise EnvelopeError(InvalidParams("params are by name"), request_id)
    if not isinstance(params, dict):
        raise EnvelopeError(InvalidJsonRpc("params are not an object"), request_id)
    return Envelope(request_id, method, params)


def _not_parsed(error: ValueError) -> ParseError:
    if TOO_DEEP in str(error):
        return ParseError("a line is nested too deep", reason="nested_too_deep", limit=MAX_DEPTH)
    return ParseError("a line is not JSON")


def id_of(head: bytes) -> RequestId | None:
    """The id of a request that begins so, None where it cannot be told."""
    try:
        message = from_json(head, allow_inf_nan=False, allow_partial=True)
    except ValueError:
        return None
    request_id = message.get("id") if isinstance(message, dict) else None
    return request_id if _is_id(request_id) else None


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_ID_CHARACTERS
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_ID_NUMBER
