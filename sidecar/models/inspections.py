"""The folders to import from that are looked at now: at most one for each model. A slow disk takes a while."""

import asyncio
from functools import partial

from sidecar.errors import Cancelled, ModelInUse
from sidecar.models.catalog import BuiltinModel
from sidecar.models.import_source import ImportSource, inspect
from sidecar.models.stop import Stop, on_thread


class Inspections:
    """Looks at folders, each on a thread of its own. Use it from one event loop."""

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
            Cancelled: nobody wants to know any more.
        """
        if model.id not in self._running:
            look = asyncio.create_task(on_thread(partial(inspect, path, model), Stop()))
            self._running[model.id] = path, look
            look.add_done_callback(lambda look: self._end(model.id, look))
        looked_at, look = self._running[model.id]
        if looked_at != path:
            raise ModelInUse(f"{model.id} is in use", model=model.id, reason="importing")
        await asyncio.wait({look})
        if look.cancelled():
            raise Cancelled("cancelled while the folder was looked at")
        return look.result()

    def forget(self, model_id: str) -> None:
        """Give up the look for a model, if there is one. A network disk that hangs holds its thread for as long as it
        likes; what that finds then is dropped."""
        if running := self._running.pop(model_id, None):
            running[1].cancel()

    def _end(self, model_id: str, look: asyncio.Task[ImportSource]) -> None:
        if not look.cancelled():
            look.exception()  # Read, as nobody may be left to hear of it.
        if model_id in self._running and self._running[model_id][1] is look:
            del self._running[model_id]
