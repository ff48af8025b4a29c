"""One download of one snapshot: what to fetch, into which parts, and when it counts as whole."""

import asyncio
import contextlib
import logging
import time
from functools import partial

from sidecar.errors import DiskFull, DownloadError, FileDamaged, MirrorInvalid, MirrorNotFound, MirrorUnreachable
from sidecar.models.awake import Wakes
from sidecar.models.cache import RepositoryCache
from sidecar.models.catalog import BuiltinModel
from sidecar.models.hub import HubClient
from sidecar.models.job import Job, check_room, first_error
from sidecar.models.manifest import Manifest, RepositoryFile
from sidecar.models.mirrors import Mirror
from sidecar.models.network import NetworkLimits
from sidecar.models.part import Part
from sidecar.models.progress import Progress
from sidecar.models.stop import Stop, on_thread
from sidecar.models.verify import Digest, has_digest

log = logging.getLogger(__name__)

REFETCHES = 1
"""How often a file that arrived with a wrong hash is fetched again before it is reported."""
WORTHWHILE_BYTES = 64 * 1024
"""A try that brought this much brought something: a mirror that dribbles a byte and falls silent is given up."""


class SnapshotDownload(Job):
    """Brings a model's snapshot into the cache. What arrived stays on disk, however it ends."""

    activity = "downloading"

    def __init__(
        self, model: BuiltinModel, cache: RepositoryCache, mirror: Mirror, limits: NetworkLimits, progress: Progress
    ) -> None:
        super().__init__(progress)
        self._model = model
        self._cache = cache
        self._mirror = mirror
        self.mirror = mirror.url
        self._limits = limits
        self._wakes = Wakes(limits.after_wake_seconds)
        self._arrived_at: float | None = None  # of any file: when a try last brought something
        self._from_start: set[Digest] = set()  # what the last try brought anew from its start

    def _tell(self) -> None:
        self._wakes.look()
        super()._tell()

    async def _work(self) -> None:
        self._cache.prepare()
        stop = Stop()
        # On a thread: the HTTP library is imported then, which no event loop should wait for. It does not give way:
        # beside much other work that took longer than people wait, and whoever imports the same waits, too.
        hub = await on_thread(partial(HubClient, self._mirror, self._limits, stop), stop, gives_way=False)
        with hub:
            manifest = self._known_manifest()
            if manifest is None:
                manifest = await on_thread(partial(self._ask_for_manifest, hub), stop)
            self._cache.keep_plan(manifest)
            self._cache.keep_mirror(self._mirror)
            self._cache.keep_doubt(None)
            contents = manifest.contents()
            self.progress.total_bytes = manifest.total_bytes
            for file in contents:
                self.progress.holds(file.digest, self._cache.bytes_on_disk(file))
            log.info(
                "builtin-model download of %s at %s from %s: %d files, %d bytes, %d of them on disk",
                manifest.repository,
                manifest.revision,
                self._mirror.url,
                len(manifest.files),
                manifest.total_bytes,
                self.progress.downloaded_bytes,
            )
            try:
                missing = sum(file.size - self._cache.bytes_on_disk(file) for file in contents)
                check_room(missing, self._cache.free_bytes())
                await self._fetch_all(hub, manifest, contents, stop)
            except* (MirrorNotFound, MirrorInvalid, FileDamaged, DiskFull) as failures:
                # A list that was wrong, or a revision that is gone, must not be gone by for ever.
                self._cache.keep_doubt(first_error(failures).kind)
                raise
        # Without giving way: a cancel must not come between the snapshot and the record that it is whole.
        self._cache.finish(manifest)
        log.info("builtin-model %s at %s is on disk, every file verified", manifest.repository, manifest.revision)

    def _known_manifest(self) -> Manifest | None:
        """What the catalog pins, what an earlier download from this mirror left unfinished, or what was whole and was
        damaged since. A list that nothing was whole by is one mirror's word, and no other is held to it."""
        if pinned := self._model.pinned():
            return pinned
        if self._cache.doubt():
            return None
        if plan := self._plan():
            return plan if self._cache.mirror() == self._mirror.url else None
        revision = self._model.revision or self._cache.main_revision()
        verified = None if revision is None else self._cache.verified(revision)
        return verified if verified and verified.is_commit else None

    def _plan(self) -> Manifest | None:
        plan = self._cache.plan()
        return plan if plan and self._model.revision in (None, plan.revision) else None

    def _ask_for_manifest(self, hub: HubClient) -> Manifest:
        """The mirror's list of the revision that was resolved when the person agreed, or else of its newest."""
        repository, plan = self._model.repository, self._plan()
        if self._model.revision:
            return hub.manifest(repository, self._model.revision)
        if plan and self._cache.doubt() != MirrorNotFound.kind:
            with contextlib.suppress(MirrorNotFound):
                return hub.manifest(repository, plan.revision)
        return hub.manifest(repository, hub.revision(repository))

    async def _fetch_all(self, hub: HubClient, manifest: Manifest, contents: list[RepositoryFile], stop: Stop) -> None:
        slots = asyncio.Semaphore(self._limits.parallel_files)

        async def fetch_in_turn(file: RepositoryFile) -> None:
            async with slots:
                await self._fetch(hub, manifest, file, stop)

        async with asyncio.TaskGroup() as group:
            for file in contents:
                group.create_task(fetch_in_turn(file))

    async def _fetch(self, hub: HubClient, manifest: Manifest, file: RepositoryFile, stop: Stop) -> None:
        """Bring one file to its place among the blobs, from whatever is there of it."""
        blob = self._cache.blob(file.digest)
        if blob.exists():
            if await on_thread(partial(has_digest, blob, file.size, file.digest, stop), stop):
                return
            log.warning("builtin-model file %s on disk is damaged, it is fetched again", file.path)
            blob.unlink(missing_ok=True)
            self.progress.holds(file.digest, 0)
        await on_thread(partial(self._transfer, hub, manifest, file, stop), stop)
        log.info("builtin-model file %s verified (%d bytes)", file.path, file.size)

    def _transfer(self, hub: HubClient, manifest: Manifest, file: RepositoryFile, stop: Stop) -> None:
        with contextlib.closing(Part(self._cache.part(file.digest), file)) as part:
            part.resume(stop)
            self.progress.holds(file.digest, part.received)
            self._fill(hub, manifest, part, stop)
            for _ in range(REFETCHES):
                if part.is_genuine:
                    break
                log.warning("builtin-model file %s arrived damaged, it is fetched again", file.path)
                self._drop(part)
                self._fill(hub, manifest, part, stop)
            if not part.is_genuine:
                self._drop(part)
                raise FileDamaged("the hash is wrong", file=file.path, mirror=self._mirror.url)
            part.keep_as(self._cache.blob(file.digest), stop)

    def _drop(self, part: Part) -> None:
        part.restart()
        self.progress.holds(part.file.digest, 0)

    def _fill(self, hub: HubClient, manifest: Manifest, part: Part, stop: Stop) -> None:
        """Receive what is missing, asking again where the mirror breaks off."""
        failures = 0
        while (before := part.received) < part.file.size:
            try:
                self._receive(hub, manifest, part, stop)
            except DownloadError as error:
                brought = part.received - before >= WORTHWHILE_BYTES
                failures = 1 if brought or self._wakes.is_recent() else failures + 1
                quiet = None if self._arrived_at is None else time.monotonic() - self._arrived_at
                if part.file.digest in self._from_start:
                    error.details["resumes"] = False
                self._limits.wait_to_retry(error, failures, stop, quiet)

    def _receive(self, hub: HubClient, manifest: Manifest, part: Part, stop: Stop) -> None:
        """Write to the part what an answer has of the rest of it.

        Where the mirror sends the file from its start again, what is here is passed over, and stays: an answer may be
        cut once more, or be the page of a captive portal. An answer that says its end and is too short is no file.

        Raises:
            DownloadError: the mirror's failure, also where the answer ended early.
            Stopped: nobody wants it any more.
        """
        file, before = part.file, part.received
        self._from_start.discard(file.digest)
        with hub.open_file(manifest.repository, manifest.revision, file, before) as answer:
            known, drop = before - answer.begin, part.mark()
            if known:
                self._from_start.add(file.digest)
                log.info("builtin-model file %s comes from its start again: the mirror does not resume it", file.path)
            for piece in answer.pieces:
                stop.check()
                fresh = piece[known:]
                passed_over = len(piece) - len(fresh)
                known -= passed_over
                self.progress.received(file.path, passed_over + part.write(fresh))
                self.progress.holds(file.digest, part.received)
                if part.received == file.size or part.received - before >= WORTHWHILE_BYTES:
                    self._arrived_at = time.monotonic()
                if part.received == file.size:
                    return
            if answer.says_its_end:
                drop()
                self._from_start.discard(file.digest)
                self.progress.holds(file.digest, before)
        stop.check()  # then it was we who ended it
        raise MirrorUnreachable("the answer ended early", mirror=self._mirror.url, file=file.path)
