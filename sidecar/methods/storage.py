"""`storage/…`."""

from collections.abc import Sequence
from typing import Any

from sidecar.protocol.message import NoParams
from sidecar.protocol.storage import CLEAR, USAGE, ClearParams, ClearResult, StorageHolding, StorageUsage
from sidecar.rpc.dispatch import Bound, Call
from sidecar.storage import Holding, Storage


def bind(*, storage: Storage) -> Sequence[Bound[Any, Any]]:
    """`storage/usage` and `storage/clear`."""

    async def usage(_params: NoParams, _call: Call) -> StorageUsage:
        return StorageUsage(holdings=tuple(_as_message(holding) for holding in await storage.usage()))

    async def clear(params: ClearParams, _call: Call) -> ClearResult:
        return ClearResult(freed_bytes=await storage.clear(params.kind))

    return Bound(USAGE, usage), Bound(CLEAR, clear)


def _as_message(holding: Holding) -> StorageHolding:
    return StorageHolding(
        kind=holding.kind,
        bytes=holding.bytes,
        clearable_bytes=holding.clearable_bytes,
        # A name that is no text is shown as well as it can be.
        places=tuple(str(path).encode(errors="replace").decode() for path in holding.places),
    )
