"""The built-in model leaves memory when the person has given all of its jobs to others."""

from __future__ import annotations

import asyncio
import logging

from sidecar.engine import Engine
from sidecar.routing.assignments import read
from sidecar.store import Database

log = logging.getLogger(__name__)


class UnloadCheck:
    """Knows whether a built-in model has one of the four jobs, and has the model unloaded when the last one goes."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self._database = database
        self._engine = engine
        self._used = True
        self._leaving: asyncio.Task[None] | None = None

    async def check_and_unload_if_unused(self) -> None:
        """Whoever changes jobs calls it afterwards, and may do so while another call waits. Running requests are
        finished before the model leaves, and the next request for it loads it again; if a job comes back before it
        has left, it stays.

        Raises:
            StoreError: nobody knows who does what.
        """
        # The database answers in the order in which it was asked: the last to come here knows best.
        providers, assigned = await self._database.read(read)
        builtin = {model.id for provider in providers if provider.is_builtin for model in provider.models}
        used = bool(builtin & set(assigned.values()))
        if used == self._used:
            return
        self._used = used
        if used:
            self._stay()
        else:
            log.info("no job is left for the built-in model: it is unloaded")
            self._leaving = asyncio.create_task(self._engine.unload_model())
            await asyncio.wait({self._leaving})

    def _stay(self) -> None:
        if self._leaving is not None and self._leaving.cancel():
            log.info("a job has come back to the built-in model before it was unloaded: it stays")
