"""The built-in models on disk: which there are, what of them is there, and how they get there.

Nothing here opens a connection before `Models.download` is called, and nothing heavy is imported before that.
"""

from sidecar.models.builtin import Models
from sidecar.models.cache import unfinished
from sidecar.models.catalog import BuiltinModel, Catalog, CatalogError
from sidecar.models.job import SPARE_BYTES
from sidecar.models.network import NetworkLimits
from sidecar.models.progress import DownloadEvent, DownloadNotification
from sidecar.models.status import ListedModel, ModelState, ModelStatus, ModelUpdate

__all__ = [
    "SPARE_BYTES",
    "BuiltinModel",
    "Catalog",
    "CatalogError",
    "DownloadEvent",
    "DownloadNotification",
    "ListedModel",
    "ModelState",
    "ModelStatus",
    "ModelUpdate",
    "Models",
    "NetworkLimits",
    "unfinished",
]
