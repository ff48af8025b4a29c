"""The batch's way from the pipe to the engine: one request at a time, so that a person's passes a thousand of them."""

import asyncio
from collections import deque
from collections.abc import Callable

Opened = Callable[[], asyncio.Event | None]
"""Serves a line; the event, if there is one, says that what was asked waits for others now."""


class Background:
    """What can wait, in the order it came. Everything else is served between two of its lines."""

    def __init__(self) -> None:
        self._lines: deque[Opened] = deque()
        self._serving: asyncio.Task[None] | None = None

    def add(self, line: Opened) -> None:
        """From the event loop."""
        self._lines.append(line)
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())

    def drain(self) -> None:
        """Serves all that is left at once, without a wait."""
        while self._lines:
            self._lines.popleft()()

    async def _serve(self) -> None:
        try:
            while self._lines:
                if (settled := self._lines.popleft()()) is not None:
                    await settled.wait()
                else:
                    await asyncio.sleep(0)
        finally:
            self._serving = None
