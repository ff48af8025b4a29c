"""What a file's bytes must be: its digest, and whether a file on disk has it."""

import errno
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sidecar.models.stop import Stop

if TYPE_CHECKING:
    from hashlib import _Hash

BLOCK = 1024 * 1024
"""Bytes read at once when a file is hashed: some milliseconds of work between two looks at whether it is wanted."""

Algorithm = Literal["sha256", "git-sha1"]
HEXADECIMAL: dict[Algorithm, re.Pattern[str]] = {
    "sha256": re.compile(r"[0-9a-f]{64}"),
    "git-sha1": re.compile(r"[0-9a-f]{40}"),
}


@dataclass(frozen=True)
class Digest:
    """The hash that a file must have.

    `sha256` is plain SHA-256; the hub gives it for files in Git LFS, the catalog for all. `git-sha1` is the id of git's
    blob object, all that the hub gives for small files: SHA-1 over `blob SIZE\\0` and the content.
    """

    algorithm: Algorithm
    hexadecimal: str

    def __post_init__(self) -> None:
        if self.algorithm not in HEXADECIMAL or not HEXADECIMAL[self.algorithm].fullmatch(self.hexadecimal):
            raise ValueError(f"not a {self.algorithm} digest: {self.hexadecimal!r}")

    def hasher(self, size: int) -> "_Hash":
        """A fresh hash for a file of `size` bytes."""
        if self.algorithm == "sha256":
            return hashlib.sha256()
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def has_digest(
    path: Path, size: int, digest: Digest, stop: Stop, on_read: Callable[[int], None] = lambda size: None
) -> bool:
    """Whether the file at `path` has exactly this size and digest; `on_read` is told the size of every block.

    Raises:
        Stopped: nobody wants it any more.
    """
    hasher = digest.hasher(size)
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size != size:
                return False
            while block := file.read(BLOCK):
                hasher.update(block)
                on_read(len(block))
                stop.check()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EIO):  # a disk that cannot read a file has lost it
            raise
        return False
    return hasher.hexdigest() == digest.hexadecimal
