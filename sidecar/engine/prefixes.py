"""What rows have read already, kept for those that begin alike: the chat so far, the instructions of a batch.

Imports MLX: for the engine thread only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.engine import kv_cache, vision
from sidecar.engine.vision import Patches

LEAST = 16  # positions in common that are worth the trouble; any two chats share the template's first few
GUESTS = 1 << 62  # beyond every token and every picture's content

Key = NDArray[np.int64]


def key(ids: Sequence[int], pictures: Sequence[Patches], image_token: int, *, guest: bool = False) -> Key:
    """What a prompt's positions are compared by: token ids, and where a picture stands its content, so that another
    picture of the same size is no hit. Those of a `guest` are like none of the app's own: how much of its prompt was
    read before would tell another program how a person's chat begins."""
    of = np.array(ids, dtype=np.int64)
    if pictures:
        contents = [-1 - int.from_bytes(patches.picture.digest[:7], "big") for patches in pictures]
        of[vision.shown(ids, pictures, image_token)] = np.repeat(contents, [patches.tokens for patches in pictures])
    return of + GUESTS if guest else of


@dataclass(frozen=True)
class Prefix:
    """Positions that were read, and their keys and values; the caches may hold more positions than `key` names."""

    key: Key
    layers: kv_cache.Layers
    nbytes: int

    def shared(self, other: Key) -> int:
        """How many positions both begin with."""
        length = min(len(self.key), len(other))
        differing = np.flatnonzero(self.key[:length] != other[:length])
        return int(differing[0]) if len(differing) else length


class PrefixCache:
    """The prefixes used last, within so many bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[int, Prefix] = OrderedDict()  # in the order of their last use
        self._made = 0
        self.nbytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def longest(self, of: Key) -> tuple[Prefix, int] | None:
        """The one that shares most with a prompt, and how many positions; the prompt's last is never among them, as
        reading it gives the answer's first token. None if nothing worth it is kept."""
        shared, number = max(
            ((prefix.shared(of[:-1]), number) for number, prefix in self._kept.items()), default=(0, None)
        )
        if number is None or shared < LEAST:
            return None
        self._kept.move_to_end(number)
        return self._kept[number], shared

    def keep(self, of: Key, layers: kv_cache.Layers) -> None:
        """Keeps what was read, in the place of those that it continues. The least used ones make room."""
        size = kv_cache.nbytes(layers)
        if size > self._most_bytes:
            return
        for number, prefix in list(self._kept.items()):
            if prefix.shared(of) == len(prefix.key):
                self._let_go(number)
        self._kept[self._made] = Prefix(of, layers, size)
        self._made += 1
        self.nbytes += size
        self.shrink(self._most_bytes)

    def cut(self, prefix: Prefix, positions: int) -> None:
        """Keeps only this much of it."""
        if positions == len(prefix.key):
            return
        for number, kept in list(self._kept.items()):
            if kept is prefix:
                self._let_go(number)
                self.keep(prefix.key[:positions], kv_cache.cut(prefix.layers, positions))

    def shrink(self, most_bytes: int) -> None:
        """Lets go of the least used until no more than `most_bytes` are held."""
        while self._kept and self.nbytes > most_bytes:
            self._let_go(next(iter(self._kept)))

    def _let_go(self, number: int) -> None:
        self.nbytes -= self._kept.pop(number).nbytes
