"""How many requests a provider's server gets at once, and who is next."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from heapq import heappop, heappush

from sidecar.engine.request import Rank


class Places:
    """So many places. Of those who wait the lowest rank is next, the first before the last."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._taken = 0
        self._waiting: list[tuple[Rank, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()

    def resize(self, number: int) -> None:
        """So many from now on; who has a place keeps it."""
        self._number = number
        self._let_in()

    @asynccontextmanager
    async def taken(self, rank: Rank) -> AsyncGenerator[None]:
        """Waits for a place and holds it. Who is cancelled while waiting takes none."""
        await self._take(rank)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, rank: Rank) -> None:
        turn = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (rank, next(self._arrivals), turn))
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
