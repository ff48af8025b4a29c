"""The folders to import from that are looked at now: at most one for each model. A slow disk takes a while."""

import asyncio

from sidecar.errors import ModelInUse
from sidecar.models.catalog import BuiltinModel
from sidecar.models.import_source import ImportSource, inspect


class Inspections:
    """Looks at folders on threads. Use it from one event loop."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[str, asyncio.Task[ImportSource]]] = {}

    def __contains__(self, model_id: str) -> bool:
        """Whether a folder is looked at for this model."""
        return model_id in self._running

    async def source(self, model: BuiltinModel, path: str) -> ImportSource:
        """What is in a folder; who asks for the same one meanwhile gets the same answer.

        Raises:
            ImportRefused: the folder does not hold this model.
            ModelInUse: another one is looked at.
        """
        if model.id not in self._running:
            look = asyncio.create_task(asyncio.to_thread(inspect, path, model))
            self._running[model.id] = path, look
            look.add_done_callback(lambda look: self._end(model.id, look))
        looked_at, look = self._running[model.id]
        if looked_at != path:
            raise ModelInUse(f"{model.id} is in use", model=model.id, reason="importing")
        return await asyncio.shield(look)

    def _end(self, model_id: str, look: asyncio.Task[ImportSource]) -> None:
        del self._running[model_id]
        if not look.cancelled():
            look.exception()  # Read, as nobody may be left to hear of it.
