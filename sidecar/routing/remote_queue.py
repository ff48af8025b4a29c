"""How many requests a provider's server gets at once, and who is next."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from heapq import heappop, heappush

from sidecar.engine import RequestPriority


class Places:
    """So many places. Of those who wait, people come before work that nobody waits for, the first before the last."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: list[tuple[RequestPriority, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()

    @asynccontextmanager
    async def taken(self, priority: RequestPriority) -> AsyncGenerator[None]:
        """Waits for a place and holds it. Who is cancelled while waiting takes none."""
        await self._take(priority)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, priority: RequestPriority) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (priority, next(self._arrivals), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the place was ours already, and we have gone
                self._give_back()
            raise

    def _give_back(self) -> None:
        while self._waiting:
            turn = heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
