"""The batch's way from the pipe to the engine: one request at a time, so that a person's passes a thousand of them."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)

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
            self._opened(self._lines.popleft())

    def _opened(self, line: Opened) -> asyncio.Event | None:
        try:
            return line()
        except Exception:  # which nobody foresaw: it costs that line and no other
            log.exception("a line could not be served")
            return None

    async def _serve(self) -> None:
        try:
            while self._lines:
                if (settled := self._opened(self._lines.popleft())) is not None:
                    await settled.wait()
                else:
                    await asyncio.sleep(0)
        finally:
            self._serving = None
