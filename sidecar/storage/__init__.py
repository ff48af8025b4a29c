"""What the app keeps on the disk: how much of each kind, where, and deleting what can be spared. Knows no pipe."""

from sidecar.storage.measure import Kind
from sidecar.storage.storage import CLEARABLE, Clearable, Holding, Storage

__all__ = ["CLEARABLE", "Clearable", "Holding", "Kind", "Storage"]
