"""What the vision tower made of pictures, kept for the next question about them. Imports MLX: engine thread only."""

from __future__ import annotations

from collections import OrderedDict

import mlx.core as mx


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
