"""The face of this package: what is kept, and clearing what can be spared."""

import asyncio
import logging
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from sidecar.chat import attachments
from sidecar.data_folder import DataFolder
from sidecar.errors import DiskFull, InternalError, StoreError
from sidecar.models import Models, unfinished
from sidecar.storage.measure import Kind, measure, size
from sidecar.store import Database, spared

if TYPE_CHECKING:
    import apsw

log = logging.getLogger(__name__)

Clearable: TypeAlias = Literal["partial", "kernels", "copies", "attachments", "logs"]
CLEARABLE: tuple[Clearable, ...] = get_args(Clearable)
"""The app goes on without them: they are made again, or nobody misses them."""


@dataclass(frozen=True)
class Holding:
    """What is kept of one kind: bytes on the disk, how many of them clearing would take away (None where that is not
    done), and where they lie, as far as it is there."""

    kind: Kind
    bytes: int
    clearable_bytes: int | None
    places: tuple[Path, ...]


class Storage:
    """Everything in the data folder. Use it from one event loop."""

    def __init__(self, folder: DataFolder, database: Database, models: Models) -> None:
        self._folder = folder
        self._database = database
        self._models = models

    async def usage(self) -> Sequence[Holding]:
        """Every kind, also those of which nothing is there. Each file counts for exactly one of them."""
        found = await self._measured()
        places = self._places()
        clearable: dict[Kind, int] = {kind: found[kind] for kind in CLEARABLE}
        clearable["attachments"] = await self._left_over()
        clearable["copies"] = max(0, found["copies"] - sum(map(size, spared(self._folder.copies))))
        return [
            Holding(kind, found[kind], clearable.get(kind), tuple(path for path in paths if path.exists()))
            for kind, paths in places.items()
        ]

    async def clear(self, kind: Clearable) -> int:
        """Deletes what can be spared of a kind; the bytes that became free.

        Raises:
            ModelInUse: unfinished downloads are not deleted while one runs.
            DiskFull, StoreFailed: the database's copies stay, or the newest of them.
            InternalError: something of it cannot be deleted.
        """
        before = await self._measured()
        try:
            await self._clear(kind)
        except OSError as error:
            raise InternalError(f"the data folder cannot be used: {error!r}") from error
        freed = max(0, before[kind] - (await self._measured())[kind])
        log.info("%s: %d bytes were cleared", kind, freed)
        return freed

    async def sweep(self) -> None:
        """Deletes the attachments that a crash left over. Not while the person does not know yet that the database was
        damaged: the messages that show them may be in the file that was set aside.

        Raises:
            StoreError: not now.
        """

        def swept(connection: "apsw.Connection") -> None:
            if self._database.recovery is None:  # known with the opening, which came before this
                attachments.sweep(connection, self._folder.attachments)

        await self._database.write(swept)

    async def _clear(self, kind: Clearable) -> None:
        match kind:
            case "partial":
                await self._models.delete_unfinished()
            case "kernels":
                await asyncio.to_thread(_empty, self._folder.kernels)
            case "copies":
                await self._database.renew_copies()
            case "attachments":
                await self.sweep()
            case "logs":
                await asyncio.to_thread(_cut, self._folder.logs)

    async def _measured(self) -> Counter[Kind]:
        kinds = {path: kind for kind, paths in self._places().items() for path in paths}
        return await asyncio.to_thread(measure, self._folder.path, kinds)

    async def _left_over(self) -> int:
        try:
            paths = await self._database.read(attachments.left_over, self._folder.attachments)
        except (StoreError, DiskFull):
            return 0  # Nobody can say what is shown, so nothing is deleted.
        if self._database.recovery is not None:
            return 0
        return sum(map(size, paths))

    def _places(self) -> dict[Kind, Sequence[Path]]:
        folder = self._folder
        logs_of_database = [folder.database.with_name(folder.database.name + suffix) for suffix in ("-wal", "-shm")]
        return {
            "model": [folder.builtin_models],
            "partial": unfinished(folder.builtin_models),
            "environment": folder.environment,
            "kernels": [folder.kernels],
            "database": [folder.database, *logs_of_database],
            "copies": [folder.copies],
            "attachments": [folder.attachments],
            "logs": [folder.logs],
            "web": [folder.web],
            "other": [folder.path],
        }


def _empty(folder: Path) -> None:
    """The folder itself stays: MLX writes into it without asking."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _cut(logs: Path) -> None:
    """Deletes the older files of each log and empties the current one. Whoever has it open, this process or the shell,
    only ever appends to it. Folders and links are nobody's logs, and stay."""
    for path in logs.iterdir():
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix != ".log":
            path.unlink(missing_ok=True)
            continue
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)
