"""The files that messages show: there before a message is written, and gone with the last message that shows them."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.errors import InvalidImage
from sidecar.store import message

if TYPE_CHECKING:
    import apsw

log = logging.getLogger(__name__)

UNSENT_SECONDS = 24 * 3600
"""A file that no message shows yet may be one that a person has attached and not sent; after so long it is none."""
NAME = re.compile(r"([0-9a-f]{64})(?:\.\w+)?|\.part-\w+")
"""What is in the folder: the files, by their SHA-256, and copies on their way, which the shell makes."""


def require(folder: Path, attachments: Sequence[str]) -> None:
    """Raises:
    InvalidImage: a file is not in the folder; `details.index` says which (from 0).
    """
    for index, sha256 in enumerate(attachments):
        if not files(folder, sha256):
            raise InvalidImage(f"image {index}: missing", reason="missing", index=index)


def delete_unused(connection: apsw.Connection, folder: Path, shown: Mapping[str, int]) -> None:
    """Deletes those files that no message shows any more; `shown` says when the last message that did was made. What
    was attached again since may be part of a question that is being written: it is left to the sweep. On the
    database's thread, so that no message can come to show one between the look and the deletion."""
    for sha256 in message.unused(connection, shown):
        for path in files(folder, sha256):
            if path.lstat().st_mtime_ns // 10**6 <= shown[sha256]:
                _delete(path)


def left_over(connection: apsw.Connection, folder: Path) -> list[Path]:
    """The files that no message shows and nobody will send: what a crash left between a message's deletion and theirs,
    and what was attached and never sent."""
    latest = time.time() - UNSENT_SECONDS
    named = [(path, match) for path in folder.iterdir() if (match := NAME.fullmatch(path.name))]
    old = [(path, match[1]) for path, match in named if path.lstat().st_mtime < latest]
    unused = set(message.unused(connection, (sha256 for _, sha256 in old if sha256)))
    return [path for path, sha256 in old if sha256 is None or sha256 in unused]


def sweep(connection: apsw.Connection, folder: Path) -> None:
    """Deletes what is left over. On the database's thread, as `delete_unused`."""
    for path in left_over(connection, folder):
        _delete(path)


def files(folder: Path, sha256: str) -> list[Path]:
    """`<sha256>` and `<sha256>.<extension>`, as far as they are there."""
    return [path for path in (folder / sha256, *folder.glob(f"{sha256}.*")) if path.is_file()]


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("an attachment cannot be deleted: %s", error.strerror)
