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
        self._number = number
        self._taken = 0
        self._waiting: list[tuple[RequestPriority, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()

    def resize(self, number: int) -> None:
        """So many from now on; who has a place keeps it."""
        self._number = number
        self._let_in()

    @asynccontextmanager
    async def taken(self, priority: RequestPriority) -> AsyncGenerator[None]:
        """Waits for a place and holds it. Who is cancelled while waiting takes none."""
        await self._take(priority)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, priority: RequestPriority) -> None:
        turn = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (priority, next(self._arrivals), turn))
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the place was ours already, and we have gone
                self._give_back()
            raise

    def _give_back(self) -> None:
        self._taken -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._taken < self._number:
            turn = heappop(self._waiting)[2]
            if not turn.done():
                self._taken += 1
                turn.set_result(None)
