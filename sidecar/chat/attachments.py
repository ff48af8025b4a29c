"""The files that messages show: there before a message is written, and gone with the last message that shows them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.errors import InvalidImage
from sidecar.store import message

if TYPE_CHECKING:
    import apsw

log = logging.getLogger(__name__)


def require(folder: Path, attachments: Sequence[str]) -> None:
    """Raises:
    InvalidImage: a file is not in the folder; `details.index` says which (from 0).
    """
    for index, sha256 in enumerate(attachments):
        if not files(folder, sha256):
            raise InvalidImage(f"image {index}: missing", reason="missing", index=index)


def delete_unused(connection: apsw.Connection, folder: Path, attachments: Iterable[str]) -> None:
    """Deletes those files that no message shows. On the database's thread, so that no message can come to show one
    between the look and the deletion."""
    for sha256 in message.unused(connection, attachments):
        for path in files(folder, sha256):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("an attachment cannot be deleted: %s", error.strerror)


def files(folder: Path, sha256: str) -> list[Path]:
    """`<sha256>` and `<sha256>.<extension>`, as far as they are there."""
    return [path for path in (folder / sha256, *folder.glob(f"{sha256}.*")) if path.is_file()]
