"""The built-in model leaves memory when the person has given all of its jobs to others."""

from __future__ import annotations

import logging

from sidecar.engine import Engine
from sidecar.routing.assignments import read
from sidecar.store import Database

log = logging.getLogger(__name__)


async def check_and_unload_if_unused(database: Database, engine: Engine) -> bool:
    """Unloads the model unless a built-in one has one of the four jobs; says whether it did. Running requests are
    finished first, and the next request for it loads it again.

    Raises:
        StoreError: nobody knows who does what.
    """
    providers, assigned = await database.read(read)
    builtin = {model.id for provider in providers if provider.is_builtin for model in provider.models}
    if builtin & set(assigned.values()):
        return False
    log.info("no job is left for the built-in model: it is unloaded")
    await engine.unload_model()
    return True
