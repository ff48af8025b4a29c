"""What the vision tower made of pictures, kept for the next question about them. Imports MLX: engine thread only."""

from __future__ import annotations

from collections import OrderedDict

import mlx.core as mx

MOST_BYTES = 64 << 20


def cache_bytes(budget_bytes: int) -> int:
    """How much of the memory budget kept features may take: a 96th, and 64 MiB at most.

    A picture of 1024² pixels takes 21 MB on the 4B model (1,024 tokens × 2,560 wide × 4 levels × 2 bytes), one of
    448² 4 MB. A chat that goes on does not need them, as its keys and values are kept; more than one large picture's
    would be taken from the 400 MB that the weights leave for those under 3 GB.
    """
    return min(MOST_BYTES, budget_bytes // 96)


class FeatureCache:
    """The features and deepstack levels of the pictures used last, by the pictures' digests; the rest is let go."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[bytes, tuple[mx.array, mx.array]] = OrderedDict()
        self.nbytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, digest: bytes) -> tuple[mx.array, mx.array] | None:
        """Features (tokens, width) and deepstack levels (tokens, layers, width), if they are kept."""
        if digest in self._kept:
            self._kept.move_to_end(digest)
        return self._kept.get(digest)

    def put(self, digest: bytes, features: mx.array, levels: mx.array) -> None:
        """Keeps computed arrays. What is larger than the whole cache is not kept."""
        size = features.nbytes + levels.nbytes
        if digest in self._kept or size > self._most_bytes:
            return
        self._kept[digest] = features, levels
        self.nbytes += size
        while self.nbytes > self._most_bytes:
            _, let_go = self._kept.popitem(last=False)
            self.nbytes -= sum(array.nbytes for array in let_go)

    def clear(self) -> None:
        """Lets go of all."""
        self._kept.clear()
        self.nbytes = 0
