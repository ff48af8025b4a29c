"""How fast a model will write here, before it is on disk.

One row's decode reads every weight once for each token and computes next to nothing with it, so it cannot be faster
than memory bandwidth / bytes of weights (Pope et al., "Efficiently Scaling Transformer Inference", 2022,
arXiv:2211.05102, section 2: at small batches the time to load the weights is the time of a step). What is really
reached is a part of that: llama.cpp's table of Apple chips (ggml-org/llama.cpp, discussion 4167, 7B Q4_0, 3.8 GB) has
between 0.4 (Ultra) and 0.8 (M1, M3, M4) of it. We expect half.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from sidecar.computer.computer import Computer

Basis = Literal["published_bandwidth", "measured_bandwidth"]

REACHED = 0.5
"""The part of the bound that is expected on a GPU."""

# 10⁹ bytes a second, as Apple's specifications give them; of a chip with two of them, the lower. M1's was never printed
# there: LPDDR4X-4266 at 128 bit. Looked up in reports of Apple's announcements and specifications (for M3 Pro and Max:
# macrumors.com, 2023-10-31); the M5 Max with 32 GPU cores is from a table of chips, 614 with 40 is Apple's.
APPLE_BANDWIDTHS = {
    "Apple M1": 68, "Apple M1 Pro": 200, "Apple M1 Max": 400, "Apple M1 Ultra": 800,
    "Apple M2": 100, "Apple M2 Pro": 200, "Apple M2 Max": 400, "Apple M2 Ultra": 800,
    "Apple M3": 100, "Apple M3 Pro": 150, "Apple M3 Max": 300, "Apple M3 Ultra": 819,
    "Apple M4": 120, "Apple M4 Pro": 273, "Apple M4 Max": 410,
    "Apple M5": 153, "Apple M5 Pro": 307, "Apple M5 Max": 460,
}  # fmt: skip

MEASURED_BYTES = 32 * 2**20
"""Read to measure: more than a core's share of the caches, and done within 50 ms."""


@dataclass(frozen=True)
class DecodeSpeed:
    """Tokens a second of one answer: `at_most` is the bound, `expected` what will probably be seen. None is not known.

    On a CPU nothing is expected: MLX's product with quantised weights is bound by computing there, far below the bound.
    """

    expected: float | None = None
    at_most: float | None = None
    basis: Basis | None = None


def decode_speed(computer: Computer, weight_bytes: int | None) -> DecodeSpeed:
    """The speed of a model with so many bytes of weights. On a CPU its memory is measured, once, for some 50 ms: call
    it on a thread."""
    if not weight_bytes:
        return DecodeSpeed()
    if computer.device == "cpu":
        return DecodeSpeed(None, read_bandwidth() / weight_bytes, "measured_bandwidth")
    bandwidth = APPLE_BANDWIDTHS.get(computer.chip or "")
    if bandwidth is None:
        return DecodeSpeed()
    bound = bandwidth * 1e9 / weight_bytes
    return DecodeSpeed(REACHED * bound, bound, "published_bandwidth")


@lru_cache(maxsize=1)
def read_bandwidth() -> float:
    """Bytes a second that one core reads from memory, the better of two runs. Quantised products run on one core."""
    block = b"\1" * MEASURED_BYTES  # written, so that it lies in memory of its own
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        block.find(b"\0")  # memchr reads all of it, as fast as it comes
        seconds.append(time.perf_counter() - started)
    return MEASURED_BYTES / min(seconds)
