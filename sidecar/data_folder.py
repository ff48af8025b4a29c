"""The one folder that the app keeps everything in."""

import fcntl
import time
from dataclasses import dataclass
from pathlib import Path

from sidecar.errors import DataFolderInUse

LOCK_SECONDS = 2.5
"""How long to wait for a sidecar that is on its way out: it may take 2 s after its pipe was closed."""
LOCK_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class DataFolder:
    """Where each part keeps its things."""

    path: Path

    @property
    def builtin_models(self) -> Path:
        return self.path / "builtin_models"

    @property
    def attachments(self) -> Path:
        return self.path / "attachments"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def cache(self) -> Path:
        return self.path / "cache"

    def prepare(self) -> None:
        """Makes the folder, and closes it to everybody but its owner.

        Raises:
            OSError: it cannot be made or changed.
            ValueError: it is a folder that holds other things, and must stay open to others.
        """
        if self.path in (Path(self.path.anchor), Path.home()):
            raise ValueError(f"{self.path} cannot be the data folder")
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o700)
        for folder in (self.builtin_models, self.attachments, self.logs, self.cache):
            folder.mkdir(mode=0o700, exist_ok=True)

    def lock(self) -> None:
        """Keeps every other sidecar out until this process ends, however it ends.

        Raises:
            DataFolderInUse: another one holds the folder, and does not leave it.
        """
        # Not inherited by children, and never closed: the system lets go of the lock with the process.
        file = (self.path / "lock").open("a")
        _KEPT_OPEN.append(file)
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DataFolderInUse("another sidecar works in the data folder") from None
                time.sleep(LOCK_POLL_SECONDS)
            else:
                return


_KEPT_OPEN: list[object] = []
