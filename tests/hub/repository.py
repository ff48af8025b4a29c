"""A local folder as a repository of the hub: its files, their hashes, and its revisions."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

# Hugging Face keeps these (and whatever is above 10 MiB) in Git LFS.
LFS_SUFFIXES = frozenset({".safetensors", ".bin", ".gguf", ".pt", ".pth", ".onnx", ".model"})
LFS_SIZE = 10 * 1024 * 1024
BLOCK = 1024 * 1024


@dataclass(frozen=True)
class HubFile:
    """One file of a snapshot. `git_oid` is what git stores: the blob, or the LFS pointer to it."""

    path: str
    source: Path
    size: int
    sha256: str
    git_oid: str
    lfs: bool
    pointer_size: int

    @property
    def etag(self) -> str:
        """What the hub gives as ETag: the SHA-256 of LFS files, the git blob id of all others."""
        return self.sha256 if self.lfs else self.git_oid

    def tree_entry(self) -> dict[str, object]:
        """This file as an entry of `GET /api/models/{repository}/tree/{revision}`."""
        entry: dict[str, object] = {"type": "file", "oid": self.git_oid, "size": self.size, "path": self.path}
        if self.lfs:
            entry["lfs"] = {"oid": self.sha256, "size": self.size, "pointerSize": self.pointer_size}
        return entry


@dataclass(frozen=True)
class HubSnapshot:
    """A folder as it was when it was published."""

    revision: str
    files: dict[str, HubFile]

    def tree(self) -> list[dict[str, object]]:
        """All entries, folders included, as the recursive tree lists them."""
        folders = sorted({str(parent) for path in self.files for parent in Path(path).parents if str(parent) != "."})
        entries: list[dict[str, object]] = [
            {"type": "directory", "oid": hashlib.sha1(folder.encode()).hexdigest(), "size": 0, "path": folder}
            for folder in folders
        ]
        return entries + [file.tree_entry() for file in self.files.values()]


class HubRepository:
    """A repository: its snapshots by revision, the newest of them being `main`."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.snapshots: dict[str, HubSnapshot] = {}
        self.main = self.publish(folder)

    def publish(self, folder: Path) -> HubSnapshot:
        """Make the folder, as it is now, the newest revision. Its files are read again when they are served."""
        snapshot = read_snapshot(folder)
        self.snapshots[snapshot.revision] = snapshot
        self.main = snapshot
        return snapshot

    def snapshot(self, revision: str) -> HubSnapshot | None:
        """The snapshot of a revision: `main` or 40 hexadecimal digits. None if there is none."""
        return self.main if revision == "main" else self.snapshots.get(revision)


def read_snapshot(folder: Path) -> HubSnapshot:
    """Hash all files below a folder. The revision follows from names and contents, as a git commit's would, and by
    nothing that we would make one up from.

    Raises:
        FileNotFoundError: the folder does not exist or holds no file.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if not paths:
        raise FileNotFoundError(f"no files to serve in {folder}")
    files = {path.relative_to(folder).as_posix(): _hash_file(folder, path) for path in paths}
    listing = "\n".join(f"{file.sha256} {name}" for name, file in files.items())
    return HubSnapshot(hashlib.sha1(f"commit\0{listing}".encode()).hexdigest(), files)


def _hash_file(folder: Path, path: Path) -> HubFile:
    size = path.stat().st_size
    sha256, git = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size)
    with path.open("rb") as source:
        while block := source.read(BLOCK):
            sha256.update(block)
            git.update(block)
    lfs = path.suffix in LFS_SUFFIXES or size > LFS_SIZE
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256.hexdigest()}\nsize {size}\n".encode()
    git_oid = hashlib.sha1(b"blob %d\0" % len(pointer) + pointer).hexdigest() if lfs else git.hexdigest()
    name = path.relative_to(folder).as_posix()
    return HubFile(name, path, size, sha256.hexdigest(), git_oid, lfs, len(pointer) if lfs else 0)
