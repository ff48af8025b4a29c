"""A line between the hub and its clients that is slow, far and lossy, as those of homes are."""

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Literal

Fate = Literal["arrives", "late", "cut"]


@dataclass
class Link:
    """All answers share `bytes_per_second`; each begins `delay_seconds` after its request. A `loss` (0 to 1) of the
    pieces is lost: each other time that costs a pause of `pause_seconds`, as a packet that is sent again, and else the
    connection, by a reset. Seeded, so that a run can be repeated."""

    bytes_per_second: float
    delay_seconds: float
    loss: float
    pause_seconds: float = 1.0
    seed: int = 1
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _free_at: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._losses = 0
        self.cut_bytes = 0
        self.late_bytes = 0

    def seconds_for(self, size: int) -> float:
        """Take the line for so many bytes; how long until they are through."""
        with self._lock:
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + size / self.bytes_per_second
            return self._free_at - now

    def fate(self, size: int) -> Fate:
        """What becomes of the next piece, of `size` bytes. `cut_bytes` are those of pieces that went with their
        connection: they were sent, nobody got them, and they are asked for again. `late_bytes` are those of pieces that
        the system sent again."""
        with self._lock:
            if self._random.random() >= self.loss:
                return "arrives"
            self._losses += 1
            if self._losses % 2:
                self.late_bytes += size
                return "late"
            self.cut_bytes += size
            return "cut"
