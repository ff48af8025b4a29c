"""Bytes on the disk, by what they are kept for."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from sidecar import backup

Kind: TypeAlias = Literal[
    "model", "partial", "environment", "kernels", "database", "copies", "attachments", "logs", "web", "other"
]

BLOCK_BYTES = 512
"""What `st_blocks` counts in, on every system (POSIX leaves it open)."""


def measure(root: Path, kinds: Mapping[Path, Kind]) -> Counter[Kind]:
    """The bytes that everything below `root` takes on the disk. What a file is for says the nearest of the paths in
    `kinds` that it is or lies in, else it is `other`.

    Links are not followed, and a file of several names counts once. Folders themselves do not count. What goes away
    meanwhile, or cannot be looked into, counts as nothing.
    """
    found: Counter[Kind] = Counter()
    seen: set[tuple[int, int]] = set()
    named = {str(path): kind for path, kind in kinds.items()}
    folders: list[tuple[str, Kind]] = [(str(root), "other")]
    while folders:
        folder, kind = folders.pop()
        for entry in _entries(folder):
            # A folder's mark for backups is there before anything is in it.
            its_kind = "other" if entry.name == backup.TAG else named.get(entry.path, kind)
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, its_kind))
                    continue
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if status.st_nlink > 1:
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
            found[its_kind] += status.st_blocks * BLOCK_BYTES
    return found


def size(path: Path) -> int:
    """The bytes that one file takes on the disk; 0 if it is not there."""
    try:
        return path.lstat().st_blocks * BLOCK_BYTES
    except OSError:
        return 0


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
