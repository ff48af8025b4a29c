"""What requests that have not begun may hold in memory: their pictures, opened, and their grammars."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

PLACES = 64  # of a picture or a grammar each: of the batch's pictures 38 MB, of another program's at most 200


class Room:
    """So many places for all requests of one rank for one model. A batch may be thousands; those that find none
    wait for one in the order in which they came."""

    def __init__(self, on_change: Callable[[], None], places: int = PLACES) -> None:
        """`on_change` is called when one has to wait, and when one gives up."""
        self._on_change = on_change
        self._places = self._free = places
        self._line = asyncio.Lock()
        self._left = asyncio.Event()
        self.waiting = 0

    @property
    def is_empty(self) -> bool:
        """Whether nobody has a place, or waits for one."""
        return self._free == self._places and not self.waiting

    @contextlib.asynccontextmanager
    async def taken(self, places: int) -> AsyncIterator[Callable[[], None]]:
        """So many, or all there are, for the time of its body, or until what it yields is called."""
        taken = await self._take(min(places, self._places)) if places else 0

        def leave() -> None:
            nonlocal taken
            self._free, taken = self._free + taken, 0
            self._left.set()

        try:
            yield leave
        finally:
            leave()

    async def _take(self, places: int) -> int:
        waits, got = self._line.locked() or self._free < places, False
        self.waiting += waits
        try:
            if waits:
                self._on_change()
            async with self._line:
                while self._free < places:
                    self._left.clear()
                    await self._left.wait()
                self._free -= places
                got = True
        finally:
            self.waiting -= waits
            if not got:
                self._on_change()
        return places
