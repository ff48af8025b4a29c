"""A file on its way to the disk: its bytes so far, and their hash."""

import os
from collections.abc import Callable
from pathlib import Path

from sidecar.models.manifest import RepositoryFile
from sidecar.models.stop import Stop
from sidecar.models.verify import BLOCK


class Part:
    """The growing content of one file. Every byte is written as it arrives, so that a kill loses none of them.

    The hash is kept in step with the file. It cannot be saved, so a part found on disk is read once.
    """

    def __init__(self, path: Path, file: RepositoryFile) -> None:
        self.file = file
        self._path = path
        self._disk = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b", buffering=0)
        self._hasher = file.digest.hasher(file.size)
        self.received = 0
        """Bytes on disk that the hash covers."""

    def resume(self, stop: Stop) -> None:
        """Take up what an earlier download left.

        Raises:
            Stopped: nobody wants it any more.
        """
        left = os.fstat(self._disk.fileno()).st_size
        if left > self.file.size:
            self.restart()
            return
        while self.received < left and (block := self._disk.read(min(BLOCK, left - self.received))):
            self._hasher.update(block)
            self.received += len(block)
            stop.check()

    def write(self, piece: bytes | memoryview) -> int:
        """Add bytes at the end; answers how many were still wanted.

        Raises:
            OSError: the disk's refusal. What was written before it counts.
        """
        wanted = memoryview(piece)[: self.file.size - self.received]
        rest = wanted
        while rest:
            written = self._disk.write(rest)
            self._hasher.update(rest[:written])
            self.received += written
            rest = rest[written:]
        return len(wanted)

    def mark(self) -> Callable[[], None]:
        """What drops all that is received from now on; for one call."""
        received, hasher = self.received, self._hasher.copy()

        def back() -> None:
            self._disk.seek(received)
            self._disk.truncate()
            self._hasher = hasher
            self.received = received

        return back

    def restart(self) -> None:
        """Drop what was received."""
        self._disk.seek(0)
        self._disk.truncate()
        self._hasher = self.file.digest.hasher(self.file.size)
        self.received = 0

    @property
    def is_genuine(self) -> bool:
        """Whether all bytes are there and are the right ones."""
        return self.received == self.file.size and self._hasher.hexdigest() == self.file.digest.hexadecimal

    def keep_as(self, blob: Path, stop: Stop) -> None:
        """Bring the bytes safely to the disk and give them their final name.

        Raises:
            Stopped: nobody wants it any more. The flush may take a minute on a slow disk, and by then another download
                may go on with this part.
        """
        os.fsync(self._disk.fileno())
        stop.check()
        try:
            self._path.replace(blob)
        except FileNotFoundError:
            # The thread of a cancelled download was faster, in the moment between its check and its renaming.
            if not blob.is_file() or blob.stat().st_size != self.file.size:
                raise

    def close(self) -> None:
        """Close the file; what is in it stays."""
        self._disk.close()
