"""`models/…`, and the events of a download as they cross the pipe."""

from collections.abc import Sequence
from typing import Any

from sidecar.engine import Engine
from sidecar.errors import ModelInUse
from sidecar.methods.engine import as_message
from sidecar.models import DownloadEvent as Event
from sidecar.models import Models
from sidecar.models import ModelStatus as Status
from sidecar.protocol.engine import EngineStatus
from sidecar.protocol.message import NoParams, Notification
from sidecar.protocol.models import (
    CANCEL_DOWNLOAD,
    COMPLETED,
    DELETE,
    DOWNLOAD,
    FAILED,
    IMPORT,
    LIST,
    PROGRESS,
    STATUS,
    UNLOAD,
    VERIFY,
    BuiltinModel,
    DownloadEvent,
    DownloadParams,
    ImportParams,
    ModelParams,
    ModelsListResult,
    ModelStatus,
)
from sidecar.routing import Router
from sidecar.rpc.dispatch import Bound, Call

EVENTS = {notification.name: notification for notification in (PROGRESS, COMPLETED, FAILED)}


def bind(*, models: Models, engine: Engine, router: Router) -> Sequence[Bound[Any, Any]]:
    """All of `models/…`."""

    async def list_(_params: NoParams, _call: Call) -> ModelsListResult:
        listed = [BuiltinModel.model_validate(model, from_attributes=True) for model in models.list()]
        return ModelsListResult(models=tuple(listed))

    async def status(params: ModelParams, _call: Call) -> ModelStatus:
        return _as_message(models.status(params.model_id))

    async def download(params: DownloadParams, _call: Call) -> ModelStatus:
        return _as_message(await models.download(params.model_id, params.mirror))

    async def cancel_download(params: ModelParams, _call: Call) -> ModelStatus:
        return _as_message(await models.cancel_download(params.model_id))

    async def import_(params: ImportParams, _call: Call) -> ModelStatus:
        return _as_message(await models.import_folder(params.path, params.model_id))

    async def verify(params: ModelParams, _call: Call) -> ModelStatus:
        return _as_message(await models.verify(params.model_id))

    async def delete(params: ModelParams, _call: Call) -> ModelStatus:
        model_id = models.status(params.model_id).model_id
        refuse_if_in_use(model_id)
        if engine.status().model_id == model_id:
            await engine.unload_model()
            refuse_if_in_use(model_id)  # Somebody may have asked meanwhile.
        return _as_message(await models.delete(model_id))

    def refuse_if_in_use(model_id: str) -> None:
        models.refuse_if_busy(model_id)
        if router.is_answering(model_id):
            raise ModelInUse(f"{model_id} answers", model=model_id, reason="answering")

    async def unload(_params: NoParams, _call: Call) -> EngineStatus:
        await engine.unload_model()
        return as_message(engine.status())

    return (
        Bound(LIST, list_),
        Bound(STATUS, status),
        Bound(DOWNLOAD, download),
        Bound(CANCEL_DOWNLOAD, cancel_download),
        Bound(IMPORT, import_),
        Bound(VERIFY, verify),
        Bound(DELETE, delete),
        Bound(UNLOAD, unload),
    )


def notification(event: Event) -> tuple[Notification[DownloadEvent], DownloadEvent]:
    """A download's event as the notification that carries it."""
    return EVENTS[event.name], DownloadEvent.model_validate(event.payload())


def _as_message(status: Status) -> ModelStatus:
    return ModelStatus.model_validate(status, from_attributes=True)
