"""`models/…`: the built-in models on disk, and the events of their download."""

from typing import Annotated, Any, Literal

from pydantic import Field

from sidecar.protocol.engine import EngineStatus
from sidecar.protocol.message import Message, Method, NoParams, Notification, VerbatimMessage

ModelState = Literal["absent", "partial", "downloading", "verifying", "ready", "damaged", "failed"]
ModelActivity = Literal["downloading", "importing", "verifying"]
Capability = Literal["vision", "text", "structured_output", "tool_use"]
ModelId = Annotated[str, Field(min_length=1, max_length=200)]


class BuiltinModel(Message):
    id: ModelId
    repository: str
    revision: Annotated[str | None, Field(description="Commit of the repository; null until it is resolved")]
    display_name: str
    capabilities: tuple[Capability, ...]
    mirrors: Annotated[tuple[str, ...], Field(description="Where it can be downloaded from; the first is the default")]
    total_bytes: int | None
    state: ModelState


class ModelsListResult(Message):
    models: tuple[BuiltinModel, ...]


class ModelParams(Message):
    model_id: Annotated[ModelId | None, Field(description="Absent: the only built-in model")] = None


class DownloadParams(ModelParams):
    mirror: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=2000,
            description="http(s) address; absent: the model's first",
            # By this the shell knows it: it asks the person before a window may name one that no catalog has.
            json_schema_extra={"format": "mirror-address"},
        ),
    ] = None


class ImportParams(ModelParams):
    path: Annotated[
        str,
        Field(
            min_length=1,
            max_length=4096,
            description="Absolute path of a folder that holds the model, or of a Hugging Face cache",
            # By this the shell knows it: a window may name only what the person picked or dropped.
            json_schema_extra={"format": "path"},
        ),
    ]


class ModelUpdate(Message):
    revision: str
    missing_bytes: Annotated[int | None, Field(description="What a download fetches; null until a mirror was asked")]


class ModelStatus(Message):
    model_id: ModelId
    state: ModelState
    downloaded_bytes: int
    total_bytes: int | None
    kind: Annotated[str | None, Field(description="Error kind, when the state is failed or damaged")] = None
    damaged_files: tuple[str, ...]
    activity: Annotated[
        ModelActivity | None,
        Field(description="The job that runs; the state is ready where an earlier revision serves meanwhile"),
    ]
    mirror: Annotated[
        str | None, Field(description="Where a download that runs, or is unfinished, comes from; else null")
    ]
    update: Annotated[
        ModelUpdate | None,
        Field(description="The revision that this app comes with, while the one on disk is another"),
    ]


def _is_none(value: object) -> bool:
    return value is None


class DownloadEvent(VerbatimMessage):
    """The event of the original application, spelled as there, with byte counts added."""

    model_id: str
    progress: Annotated[int, Field(ge=0, le=100, description="Percent")]
    status: Literal["downloading", "completed", "failed"]
    message: Annotated[str, Field(description='For the log, for example "Downloading... 1.2GB / 2.6GB"')]
    speed_mbps: Annotated[float | None, Field(description="10⁶ bytes a second", exclude_if=_is_none)] = None
    downloaded_bytes: int
    total_bytes: int | None
    eta_seconds: Annotated[int | None, Field(exclude_if=_is_none)] = None
    file: Annotated[
        str | None,
        Field(description="The file that got bytes last; of a failure, the one it is about", exclude_if=_is_none),
    ] = None
    kind: Annotated[str | None, Field(description="Of a failure: the error kind", exclude_if=_is_none)] = None
    details: Annotated[
        dict[str, Any] | None, Field(description="Of a failure: the error's details, if any", exclude_if=_is_none)
    ] = None
    verifying: Annotated[
        Literal[True] | None,
        Field(description="All bytes are here and are checked, or a model on disk is", exclude_if=_is_none),
    ] = None


LIST = Method("models/list", NoParams, ModelsListResult, "The built-in models", ("window", "proxy"))
STATUS = Method("models/status", ModelParams, ModelStatus, "What of a model is on disk", ("window",))
DOWNLOAD = Method(
    "models/download", DownloadParams, ModelStatus, "Starts or joins a download and answers at once", ("window",)
)
CANCEL_DOWNLOAD = Method(
    "models/cancelDownload",
    ModelParams,
    ModelStatus,
    "Stops a download, an import or a check; what was downloaded stays",
    ("window",),
)
IMPORT = Method(
    "models/import",
    ImportParams,
    ModelStatus,
    "Starts or joins an import from a folder, with the events of a download, and answers at once",
    ("window",),
)
VERIFY = Method(
    "models/verify",
    ModelParams,
    ModelStatus,
    "Reads a model on disk again, with the events of a download, and tells what of it is damaged",
    ("window",),
)
DELETE = Method("models/delete", ModelParams, ModelStatus, "Deletes all that is on disk of a model", ("window",))
UNLOAD = Method("models/unload", NoParams, EngineStatus, "Takes the loaded model out of memory", ("window",))

PROGRESS = Notification(
    "builtin-model-download-progress",
    DownloadEvent,
    "At most one a second while a model downloads; the last one says how that ended",
    state=True,
)
COMPLETED = Notification("builtin-model-download-completed", DownloadEvent, "The model is on disk, checked")
FAILED = Notification("builtin-model-download-failed", DownloadEvent, "The download ended without the model")

METHODS: tuple[Method[Any, Any], ...] = (LIST, STATUS, DOWNLOAD, CANCEL_DOWNLOAD, IMPORT, VERIFY, DELETE, UNLOAD)
NOTIFICATIONS: tuple[Notification[Any], ...] = (PROGRESS, COMPLETED, FAILED)
