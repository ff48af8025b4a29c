"""`engine/…`, and the engine's status as it crosses the pipe."""

from collections.abc import Sequence
from typing import Any

from sidecar.engine import Engine
from sidecar.engine import EngineStatus as Status
from sidecar.protocol.engine import PAUSE, RESUME, STATUS, EngineStatus
from sidecar.protocol.message import NoParams
from sidecar.rpc.dispatch import Bound, Call


def bind(*, engine: Engine) -> Sequence[Bound[Any, Any]]:
    """`engine/status`, `engine/pause` and `engine/resume`; each answers the status."""

    async def status(_params: NoParams, _call: Call) -> EngineStatus:
        return as_message(engine.status())

    async def pause(_params: NoParams, _call: Call) -> EngineStatus:
        return as_message(await engine.pause())

    async def resume(_params: NoParams, _call: Call) -> EngineStatus:
        return as_message(await engine.resume())

    return Bound(STATUS, status), Bound(PAUSE, pause), Bound(RESUME, resume)


def as_message(status: Status) -> EngineStatus:
    """The engine's status as a message."""
    return EngineStatus.model_validate(status, from_attributes=True)
