"""One check of one snapshot: every byte of it is read again."""

import logging
from functools import partial

from sidecar.models.cache import RepositoryCache
from sidecar.models.job import Job
from sidecar.models.manifest import Manifest
from sidecar.models.progress import Progress
from sidecar.models.stop import Stop, on_thread
from sidecar.models.verify import has_digest

log = logging.getLogger(__name__)


class SnapshotCheck(Job):
    """Reads the files of a snapshot and deletes contents that are not what they were: what is missing counts as
    damaged, is told as such after a restart, too, and is all that the next download fetches."""

    activity = "verifying"

    def __init__(self, cache: RepositoryCache, manifest: Manifest, progress: Progress) -> None:
        super().__init__(progress)
        self._cache = cache
        self._manifest = manifest

    async def _work(self) -> None:
        stop = Stop()
        for file in self._manifest.contents():
            blob = self._cache.blob(file.digest)

            def read(size: int, path: str = file.path) -> None:
                self.progress.received(path, size)
                self.progress.holds("read", self.progress.downloaded_bytes + size)

            if not await on_thread(partial(has_digest, blob, file.size, file.digest, stop, read), stop):
                log.warning("builtin-model file %s on disk is damaged", file.path)
                blob.unlink(missing_ok=True)
