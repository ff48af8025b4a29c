"""One import of one snapshot: each file is cloned or copied, checked, and only then made part of the cache."""

import hashlib
import logging
import os
from functools import partial
from io import FileIO
from pathlib import Path

from sidecar.errors import ImportRefused
from sidecar.models.cache import RepositoryCache
from sidecar.models.catalog import BuiltinModel
from sidecar.models.clone import clone
from sidecar.models.import_source import ImportSource, SourceFile
from sidecar.models.job import Job, check_room
from sidecar.models.manifest import Manifest, RepositoryFile
from sidecar.models.progress import Progress
from sidecar.models.stop import Stop, on_thread
from sidecar.models.verify import BLOCK, Digest

log = logging.getLogger(__name__)


class SnapshotImport(Job):
    """Brings a model's snapshot into the cache from a folder of this computer, which stays as it is.

    What is hashed is our own copy, so that nobody can exchange a file after it was checked. Copies have the names of
    nothing until all of them are right: a kill leaves none that counts.
    """

    activity = "importing"

    def __init__(self, model: BuiltinModel, cache: RepositoryCache, source: ImportSource, progress: Progress) -> None:
        super().__init__(progress)
        self.source = source
        self._model = model
        self._cache = cache

    async def _work(self) -> None:
        self._cache.prepare()
        self._cache.sweep_copies()
        self.progress.total_bytes = self.source.total_bytes
        check_room(self.source.total_bytes, self._cache.free_bytes())
        stop = Stop()
        try:
            digests = await on_thread(partial(self._take_all, stop), stop)
            # From here on without giving way: a cancel must not come between the snapshot and its record.
            for at, digest in enumerate(digests):
                self._copy(at).replace(self._cache.blob(digest))
        finally:
            self._cache.sweep_copies()
        manifest = self._manifest(digests)
        self._cache.finish(manifest)
        log.info("builtin-model %s at %s was imported, every file verified", manifest.repository, manifest.revision)

    def _copy(self, at: int) -> Path:
        """The place of a copy. No other import's: what a disk that hangs holds up may come back long after a cancel."""
        return self._cache.copy(f"{id(self)}-{at}")

    def _take_all(self, stop: Stop) -> list[Digest]:
        return [self._take(file, self._copy(at), stop) for at, file in enumerate(self.source.files)]

    def _take(self, file: SourceFile, copy: Path, stop: Stop) -> Digest:
        """Make a checked copy of a file; answers its SHA-256, or the digest that it was checked against."""
        wanted = file.digest
        hasher = hashlib.sha256() if wanted is None else wanted.hasher(file.size)
        with _open(file) as original:
            stop.check()
            is_clone = clone(original.fileno(), copy)
            with FileIO(copy, "rb+" if is_clone else "xb+") as ours:
                received = 0
                while block := _read(ours if is_clone else original, file):
                    stop.check()
                    if not is_clone:
                        _write(ours, block)
                    hasher.update(block)
                    received += len(block)
                    if received > file.size:
                        break
                    self.progress.received(file.name, len(block))
                    self.progress.holds(file.name, received)
                os.fsync(ours.fileno())
        digest = Digest("sha256" if wanted is None else wanted.algorithm, hasher.hexdigest())
        if received != file.size or digest != (wanted or digest):
            raise ImportRefused("not the model's file", reason="different", file=file.name)
        log.info("builtin-model file %s %s (%d bytes)", file.name, "cloned" if is_clone else "copied", received)
        return digest

    def _manifest(self, digests: list[Digest]) -> Manifest:
        if (pinned := self._model.pinned()) is not None:
            return pinned
        pairs = sorted(zip(self.source.files, digests, strict=True), key=lambda pair: pair[0].name)
        files = tuple(RepositoryFile(file.name, file.size, digest) for file, digest in pairs)
        if self.source.revision is not None:
            return Manifest(self._model.repository, self.source.revision, files)
        # A folder that says nothing of its commit is named by what is in it.
        listing = "\n".join(f"{file.digest.hexadecimal} {file.path}" for file in files)
        named = hashlib.sha1(listing.encode(), usedforsecurity=False).hexdigest()
        return Manifest(self._model.repository, named, files, is_commit=False)


def _open(file: SourceFile) -> FileIO:
    """Not through a link that took its place since it was looked at, and without waiting for a pipe's writer."""
    try:
        return FileIO(os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as error:
        raise ImportRefused("cannot be opened", reason="incomplete", file=file.name) from error


def _read(source: FileIO, file: SourceFile) -> bytes:
    try:
        return source.read(BLOCK) or b""
    except OSError as error:
        raise ImportRefused("cannot be read", reason="incomplete", file=file.name) from error


def _write(copy: FileIO, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[copy.write(rest) :]
