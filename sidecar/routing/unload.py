"""The built-in model leaves memory when the person has given all of its jobs to others."""

from __future__ import annotations

import asyncio
import logging

from sidecar.engine import Engine
from sidecar.errors import EngineFailed
from sidecar.routing.assignments import read
from sidecar.store import Database

log = logging.getLogger(__name__)


class UnloadCheck:
    """Knows whether a built-in model has one of the four jobs, and has the model unloaded when none has."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self._database = database
        self._engine = engine
        self._leaving: asyncio.Task[None] | None = None

    async def check_and_unload_if_unused(self) -> None:
        """Whoever changes jobs calls it afterwards, and may do so while another call waits. Running requests are
        finished before the model leaves, and the next request for it loads it again, until the next call here; if a job
        comes back before it has left, it stays. An unload that fails is tried again by the next call.

        Raises:
            StoreError: nobody knows who does what.
        """
        # The database answers in the order in which it was asked: the last to come here knows best.
        providers, assigned = await self._database.read(read)
        builtin = {model.id for provider in providers if provider.is_builtin for model in provider.models}
        if builtin & set(assigned.values()):
            self._stay()
            return
        status = self._engine.status()
        if self._leaving is None and (status.loaded or status.loading):
            log.info("no job is left for the built-in model: it is unloaded")
            self._leaving = asyncio.create_task(self._leave())
            await asyncio.wait({self._leaving})

    async def _leave(self) -> None:
        try:
            await self._engine.unload_model()
        except EngineFailed as error:
            log.warning("the built-in model could not be unloaded: %s", error)
        self._leaving = None

    def _stay(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
            log.info("a job has come back to the built-in model before it was unloaded: it stays")
