"""The inference engine: MLX behind one thread. Importing this package imports nothing heavy."""

from sidecar.engine.engine import Engine
from sidecar.engine.images import has_images, refuse_attachments
from sidecar.engine.request import (
    Finished,
    GenerationRequest,
    Piece,
    RequestPriority,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
)
from sidecar.engine.status import EngineStatus, PriorityCounts

__all__ = [
    "Engine",
    "EngineStatus",
    "Finished",
    "GenerationRequest",
    "Piece",
    "PriorityCounts",
    "RequestPriority",
    "TextDelta",
    "TokenLogprob",
    "ToolCallDelta",
    "has_images",
    "refuse_attachments",
]
