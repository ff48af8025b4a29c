"""The inference engine: MLX behind one thread. Importing this package imports nothing heavy."""

from sidecar.engine.engine import Engine
from sidecar.engine.request import Finished, GenerationRequest, RequestPriority, TextDelta
from sidecar.engine.status import EngineStatus, PriorityCounts

__all__ = [
    "Engine",
    "EngineStatus",
    "Finished",
    "GenerationRequest",
    "PriorityCounts",
    "RequestPriority",
    "TextDelta",
]
