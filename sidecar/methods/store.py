"""`store/…`."""

from collections.abc import Callable, Sequence
from typing import Any

from sidecar.protocol.message import NoParams
from sidecar.protocol.store import DISMISS, STATUS, Recovery, StoreStatus
from sidecar.rpc.dispatch import Bound, Call
from sidecar.store import Database


def bind(*, database: Database, on_change: Callable[[], None]) -> Sequence[Bound[Any, Any]]:
    """`store/status` and `store/dismissRecovery`; `on_change` tells of the status."""

    async def status(_params: NoParams, _call: Call) -> StoreStatus:
        await database.open()
        return as_message(database)

    async def dismiss(_params: NoParams, _call: Call) -> StoreStatus:
        await database.open()
        await database.dismiss_recovery()
        on_change()
        return as_message(database)

    return Bound(STATUS, status), Bound(DISMISS, dismiss, finishes=True)


def as_message(database: Database) -> StoreStatus:
    """What there is to tell of an open database."""
    told = database.recovery
    if told is None:
        return StoreStatus(recovery=None)
    return StoreStatus(
        recovery=Recovery(
            set_aside=str(told.set_aside) if told.set_aside.exists() else None,
            copied_at=told.copied_at,
            recovered_at=told.recovered_at,
        )
    )
