"""`library/…`."""

from collections.abc import Sequence
from typing import Any

from sidecar.protocol.library import SCAN, LibraryScan
from sidecar.protocol.message import NoParams
from sidecar.rpc.dispatch import Bound, Call


def bind() -> Sequence[Bound[Any, Any]]:
    """`library/scan`: the last stage of a start. Folders cannot be chosen yet, so there is none."""

    async def scan(_params: NoParams, _call: Call) -> LibraryScan:
        return LibraryScan(folders=0)

    return (Bound(SCAN, scan),)
