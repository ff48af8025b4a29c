"""What parent and worker process both know of a picture: its pixels, the size it is brought to, why it is refused."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field

MAX_ASPECT_RATIO = 200  # Qwen3-VL's own limit


class PictureError(Exception):
    """The picture cannot be used. `reason` is one of missing, not_a_file, not_a_picture, truncated, too_many_pixels,
    too_large, too_narrow, too_slow, too_much_memory, decoder_crashed, unsupported_url, not_base64, closed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Bounds:
    """Sizes that a model takes: width and height multiples of `multiple`, between `min_pixels` and `max_pixels`
    together."""

    multiple: int
    min_pixels: int
    max_pixels: int


@dataclass(frozen=True)
class Picture:
    """`rgb` holds width × height × 3 bytes, row by row from the top left. Pictures with the same pixels in the same
    shape have the same `digest` (SHA-256)."""

    width: int
    height: int
    rgb: bytes = field(repr=False)
    digest: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Taken here because pictures are made on a thread that nobody's step waits for.
        shape = f"{self.width}x{self.height}:".encode()
        object.__setattr__(self, "digest", hashlib.sha256(shape + self.rgb).digest())


def fitted_size(width: int, height: int, bounds: Bounds) -> tuple[int, int]:
    """The width and height to which the model's image processor would bring a picture: Qwen's `smart_resize`.

    Raises:
        PictureError: too_narrow, one side is more than 200 times the other.
    """
    if min(width, height) < 1 or max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise PictureError("too_narrow")
    step = bounds.multiple
    fitted = round(width / step) * step, round(height / step) * step
    if fitted[0] * fitted[1] > bounds.max_pixels:
        shrink = math.sqrt(width * height / bounds.max_pixels)
        fitted = (
            max(step, math.floor(width / shrink / step) * step),
            max(step, math.floor(height / shrink / step) * step),
        )
    elif fitted[0] * fitted[1] < bounds.min_pixels:
        grow = math.sqrt(bounds.min_pixels / (width * height))
        fitted = math.ceil(width * grow / step) * step, math.ceil(height * grow / step) * step
    return fitted
