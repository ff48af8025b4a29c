"""A repository's folder in the Hugging Face cache layout, and what we keep there beside it.

{root}/models--org--name/
  blobs/<digest>                     a file's content; it gets here only after its digest was checked
  snapshots/<revision>/<path>        links to the blobs: the folder that a model is loaded from
  refs/main                          the revision that came last
  parts/<digest>.part                (ours) content on its way; named by what it must become, so any mirror can go on
  parts/<name>.copy                  (ours) content of an import on its way
  parts/manifest.json                (ours) what is being downloaded: revision, files, sizes, digests
  parts/doubt                        (ours) the kind of failure after which what is being downloaded is asked for again
  parts/mirror                       (ours) the address that it comes from, as the person agreed to
  verified/<revision>.json           (ours) every file of this snapshot was checked; without it there is no snapshot
"""

import contextlib
import json
import os
import shutil
from collections.abc import Container
from pathlib import Path, PurePosixPath

from sidecar.errors import MirrorInvalid
from sidecar.models.manifest import REVISION, Manifest, RepositoryFile
from sidecar.models.mirrors import Mirror
from sidecar.models.verify import Digest


class RepositoryCache:
    """The folder of one repository below `root`. Nothing is created before there is something to keep.

    Snapshots `in_use` are never deleted, except by `remove`.
    """

    def __init__(self, root: Path, repository: str, in_use: Container[Path] = ()) -> None:
        self.folder = root / f"models--{repository.replace('/', '--')}"
        self._repository = repository
        self._in_use = in_use
        self._parts = self.folder / "parts"
        self._plan = self._parts / "manifest.json"
        self._doubt = self._parts / "doubt"
        self._mirror = self._parts / "mirror"
        self._main = self.folder / "refs" / "main"

    def blob(self, digest: Digest) -> Path:
        """Where a checked file's content is kept."""
        return self.folder / "blobs" / digest.hexadecimal

    def part(self, digest: Digest) -> Path:
        """Where a file's content grows while it arrives."""
        return self._parts / f"{digest.hexadecimal}.part"

    def copy(self, name: str) -> Path:
        """Where a file's content grows while it is imported."""
        return self._parts / f"{name}.copy"

    def snapshot(self, revision: str) -> Path:
        """The folder that a model is loaded from."""
        return self.folder / "snapshots" / revision

    def prepare(self) -> None:
        """Create the folders that a download writes to; only their owner may look into them."""
        for folder in (self.folder, self._parts, self.folder / "blobs"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def sweep_copies(self) -> None:
        """Delete what imports left that did not come to their end."""
        for copy in self._parts.glob("*.copy"):
            copy.unlink()

    def remove(self) -> None:
        """Delete all of it: first the records, so that a kill leaves nothing that counts as verified.

        Raises:
            OSError: something of it cannot be deleted.
        """
        if self.folder.exists():
            shutil.rmtree(self.folder / "verified", ignore_errors=True)
            shutil.rmtree(self.folder)

    def free_bytes(self) -> int:
        """Room on the disk for this user."""
        return shutil.disk_usage(self.folder).free

    def bytes_on_disk(self, file: RepositoryFile) -> int:
        """How much of a file's content is here, checked or not: never more than its size."""
        for path in (self.blob(file.digest), self.part(file.digest)):
            if path.is_file():
                return min(path.stat().st_size, file.size)
        return 0

    def plan(self) -> Manifest | None:
        """What an unfinished download was fetching."""
        return self._read(self._plan)

    def keep_plan(self, manifest: Manifest) -> None:
        """Record what is going to be downloaded, before its first byte, and delete what other revisions left on their
        way that it cannot go on with: that would only take its room. Snapshots stay until it has come to its end."""
        before = self.plan()
        _write_durably(self._plan, json.dumps(manifest.to_json(), indent=2))
        self.sweep_copies()
        # Where two mirrors say different things of one revision, neither costs us what the other one sent.
        if before is None or before.revision != manifest.revision:
            self._sweep_contents(manifest, list(self.folder.glob("snapshots/*")))

    def mirror(self) -> str | None:
        """The address that an unfinished download came from last."""
        try:
            return Mirror.parse(self._mirror.read_text(encoding="utf-8")).url
        except (OSError, UnicodeDecodeError, MirrorInvalid):
            return None

    def keep_mirror(self, mirror: Mirror) -> None:
        """Record where the download comes from, so that it goes on from there."""
        _write_durably(self._mirror, mirror.url)

    def doubt(self) -> str | None:
        """The kind of the failure after which the next download should ask again what to fetch. What is here is still
        told by the plan: content is content."""
        try:
            return self._doubt.read_text()
        except (OSError, UnicodeDecodeError):
            return None

    def keep_doubt(self, kind: str | None) -> None:
        """Record that a download failed in a way that may be the plan's fault, or that its plan is fresh."""
        if kind is None:
            self._doubt.unlink(missing_ok=True)
        else:
            self._doubt.write_text(kind)

    def main_revision(self) -> str | None:
        """The revision that was downloaded last."""
        try:
            revision = self._main.read_text().strip()
        except (OSError, UnicodeDecodeError):
            return None
        return revision if REVISION.fullmatch(revision) else None

    def verified(self, revision: str) -> Manifest | None:
        """The snapshot of a revision, if each of its files was checked when it arrived."""
        manifest = self._read(self._record(revision))
        return manifest if manifest is not None and manifest.revision == revision else None

    def damaged_files(self, manifest: Manifest) -> list[str]:
        """Files of a snapshot that are missing or of the wrong size now. Contents are not read again."""
        snapshot = self.snapshot(manifest.revision)
        return [file.path for file in manifest.files if _size(snapshot / file.path) != file.size]

    def finish(self, manifest: Manifest) -> None:
        """Make a snapshot of blobs that were all checked, and only then record that it is whole."""
        snapshot = self.snapshot(manifest.revision)
        for file in manifest.files:
            link = snapshot / file.path
            link.parent.mkdir(parents=True, exist_ok=True)
            up = "../" * (2 + len(PurePosixPath(file.path).parents) - 1)
            fresh = link.with_name(f"{link.name}.new-link")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(f"{up}blobs/{file.digest.hexadecimal}")
            fresh.replace(link)
        _sync_folder(self.folder / "blobs")
        # In this order: a kill in between leaves the earlier revision named, which still serves.
        _write_durably(self._record(manifest.revision), json.dumps(manifest.to_json(), indent=2))
        _write_durably(self._main, manifest.revision)
        shutil.rmtree(self._parts, ignore_errors=True)
        self.sweep_superseded(manifest)

    def is_superseded(self, manifest: Manifest) -> bool:
        """Whether there are other snapshots than this one."""
        return any(snapshot != self.snapshot(manifest.revision) for snapshot in self.folder.glob("snapshots/*"))

    def sweep_superseded(self, manifest: Manifest) -> None:
        """Delete other snapshots, each after its record, and what is then nobody's. What cannot be deleted stays: the
        model is whole."""
        spared = []
        for snapshot in self.folder.glob("snapshots/*"):
            if snapshot == self.snapshot(manifest.revision) or snapshot in self._in_use:
                spared.append(snapshot)
                continue
            with contextlib.suppress(OSError):
                self._record(snapshot.name).unlink(missing_ok=True)
                shutil.rmtree(snapshot)
        self._sweep_contents(manifest, spared)

    def _sweep_contents(self, manifest: Manifest, spared: list[Path]) -> None:
        """Delete blobs and parts of no file of the manifest; what the spared snapshots lead to stays."""
        wanted = {file.digest.hexadecimal for file in manifest.files}
        wanted |= {link.readlink().name for snapshot in spared for link in snapshot.rglob("*") if link.is_symlink()}
        for content in (*self.folder.glob("blobs/*"), *self._parts.glob("*.part")):
            if content.name.removesuffix(".part") not in wanted:
                with contextlib.suppress(OSError):
                    content.unlink()

    def _record(self, revision: str) -> Path:
        return self.folder / "verified" / f"{revision}.json"

    def _read(self, path: Path) -> Manifest | None:
        """A manifest of this repository; None if there is none, or what is there was not written by us."""
        try:
            manifest = Manifest.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None
        return manifest if manifest.repository == self._repository else None


def unfinished(root: Path) -> list[Path]:
    """The folders of what counts for nothing yet, in all repositories there are: the whole one while nothing of it is
    verified, else what is on its way. Also of models that the catalog does not have any more."""
    repositories = [folder for folder in root.glob("models--*") if folder.is_dir() and not folder.is_symlink()]
    there = [folder / "parts" if any(folder.glob("verified/*.json")) else folder for folder in repositories]
    return [folder for folder in there if folder.is_dir()]


def remove_unfinished(root: Path) -> None:
    """Delete these folders.

    Raises:
        OSError: something of it cannot be deleted.
    """
    for folder in unfinished(root):
        shutil.rmtree(folder)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _write_durably(path: Path, text: str) -> None:
    """Replace a small file such that a power cut leaves the old or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
