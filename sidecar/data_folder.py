"""The one folder that the app keeps everything in."""

import fcntl
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sidecar import backup
from sidecar.errors import DataFolderInUse

LOCK_SECONDS = 2.5
"""How long to wait for a sidecar that is on its way out: it may take 2 s after its pipe was closed."""
LOCK_POLL_SECONDS = 0.05

PLATFORM_NAME = "knowledge-focus.huozhong.in"
"""What the folder is called where nobody chose one; all that is in a folder of this name is ours."""
SIGNS = frozenset({"builtin_models", "knowledge-focus.erasing", "knowledge-focus.db"})
"""A folder with one of these is ours, whatever else somebody put there."""
OWN_NAMES = SIGNS | {
    *("api.sock", "api.token", "attachments", "cache", "copies", "lock", "logs", "python", "shell.json", "web"),
    *("window.bell", "window.lock", "knowledge-focus.db-wal", "knowledge-focus.db-shm", ".DS_Store"),
}
"""All that may be there before the first sidecar is: the shell comes first, and the Finder marks what it shows."""
UNFINISHED = (".shell-", ".token-")
"""How the names of the shell's files begin that take another one's place in a moment; a kill leaves them."""


@dataclass(frozen=True)
class DataFolder:
    """Where each part keeps its things."""

    path: Path

    @classmethod
    def named(cls, name: str) -> Self:
        """The folder that somebody named, without links and `..`: two names of one folder are one folder.

        Raises:
            OSError: the path cannot be followed.
            ValueError: it is no name, or one that cannot be said in JSON.
        """
        if not name:
            raise ValueError("the data folder has no name")
        try:
            path = Path(name).resolve()
            str(path).encode()
        except RuntimeError as error:
            raise ValueError(f"{name} leads round in a circle of links") from error
        except UnicodeEncodeError as error:
            raise ValueError("the name of the data folder is not UTF-8") from error
        return cls(path)

    @property
    def builtin_models(self) -> Path:
        return self.path / "builtin_models"

    @property
    def attachments(self) -> Path:
        return self.path / "attachments"

    @property
    def database(self) -> Path:
        return self.path / "knowledge-focus.db"

    @property
    def copies(self) -> Path:
        return self.path / "copies"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def cache(self) -> Path:
        return self.path / "cache"

    @property
    def kernels(self) -> Path:
        return self.cache / "kernels"

    @property
    def python(self) -> Path:
        """Of the shell: the Python environment that this program runs on."""
        return self.path / "python"

    @property
    def environment(self) -> tuple[Path, ...]:
        """Of the shell: that environment, and what it was made from."""
        return self.python, self.cache / "uv", self.cache / "cpython"

    @property
    def web(self) -> Path:
        """Of the shell: what the system's web view keeps for the window."""
        return self.path / "web"

    def prepare(self) -> None:
        """Makes the folder, closes it to everybody but its owner, and keeps what can be made again out of backups.

        Raises:
            OSError: it cannot be made or changed.
            ValueError: it is there and is not ours; nothing about it was changed.
        """
        if self.path.exists():
            self._check()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o700)
        for folder in (self.builtin_models, self.attachments, self.logs, self.cache):
            folder.mkdir(mode=0o700, exist_ok=True)
        for folder in (self.builtin_models, self.cache, self.python, self.web):
            if folder.is_dir():
                backup.leave_out(folder)

    def _check(self) -> None:
        """Refuses what must stay open to others, or belongs to something else: closing it would harm that."""
        if not self.path.is_dir():
            raise ValueError(f"{self.path} is not a folder")
        if Path.home().resolve().is_relative_to(self.path):
            raise ValueError(f"{self.path} is or holds your home folder; name a folder of its own for the data")
        if self.path.stat().st_mode & stat.S_ISVTX:
            raise ValueError(f"{self.path} is shared by many; name a folder of its own for the data")
        names = {entry.name for entry in self.path.iterdir() if not entry.name.startswith(UNFINISHED)}
        if not (names <= OWN_NAMES or names & SIGNS or self.path.name == PLATFORM_NAME):
            raise ValueError(f"{self.path} holds other things; name a new or empty folder for the data")

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
