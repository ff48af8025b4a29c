"""The pipe's own methods, but for the handshake."""

from collections.abc import Callable, Sequence
from typing import Any

from sidecar.protocol.core import DISCOVER, PING, SHUTDOWN, OpenRpcDocument, PingResult
from sidecar.protocol.message import NoParams, NoResult
from sidecar.rpc.dispatch import Bound, Call


def bind(*, leave: Callable[[], None]) -> Sequence[Bound[Any, Any]]:
    """`leave` asks the process to end; it answers what runs before it does."""

    async def ping(_params: NoParams, _call: Call) -> PingResult:
        return PingResult()

    async def shutdown(_params: NoParams, _call: Call) -> NoResult:
        leave()
        return NoResult()

    async def discover(_params: NoParams, _call: Call) -> OpenRpcDocument:
        # Late: it imports the messages of all namespaces.
        from sidecar.rpc.schema import openrpc

        return OpenRpcDocument.model_validate(openrpc())

    return (Bound(PING, ping), Bound(SHUTDOWN, shutdown), Bound(DISCOVER, discover))
