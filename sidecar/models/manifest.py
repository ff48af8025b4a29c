"""The list of a snapshot's files. Names come from a mirror or a catalog and are trusted with nothing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Self

from sidecar.models.verify import Digest

# What a model needs to be loaded, and its card. Everything else is left on the hub, above all pickled weights
# (.bin, .pt, .pth, .ckpt, .pkl), which run code when opened, and code itself (.py).
FETCHED_SUFFIXES = frozenset({".json", ".safetensors", ".jinja", ".txt", ".model", ".md"})
FETCHED_NAMES = frozenset({"LICENSE", "NOTICE"})
# ':' and '\' mean something on other systems, control characters in terminals; no model file needs them.
NAME = re.compile(r"[^\x00-\x1f\x7f\\:*?\"<>|]{1,255}")
REVISION = re.compile(r"[0-9a-f]{40}")
LARGEST = 2**53  # bytes; from there on the window could not count them, and no disk holds such a file
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


@dataclass(frozen=True)
class RepositoryFile:
    """One file: its path inside the repository, its size in bytes and its digest."""

    path: str
    size: int
    digest: Digest

    def __post_init__(self) -> None:
        check_path(self.path)
        if isinstance(self.size, bool) or not isinstance(self.size, int) or not 0 <= self.size < LARGEST:
            raise ValueError(f"not a size: {self.size!r}")


@dataclass(frozen=True)
class Manifest:
    """What a snapshot of a repository consists of; only files that we would fetch."""

    repository: str
    revision: str
    files: tuple[RepositoryFile, ...]
    is_commit: bool = True
    """Whether a hub may know the revision. That of an imported folder which did not say its own is made up."""

    def __post_init__(self) -> None:
        if not REPOSITORY.fullmatch(self.repository) or ".." in self.repository:
            raise ValueError(f"not a repository: {self.repository!r}")
        if not REVISION.fullmatch(self.revision):
            raise ValueError(f"not a revision: {self.revision!r}")
        if len({(file.digest, file.size) for file in self.files}) != len({file.digest for file in self.files}):
            raise ValueError("one content of two sizes")
        # Folded: macOS keeps one file for names that differ in case only.
        paths = [file.path.casefold() for file in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError("two files of one name")
        if clash := {str(parent) for path in paths for parent in PurePosixPath(path).parents} & set(paths):
            raise ValueError(f"both a file and a folder: {min(clash)!r}")

    @property
    def total_bytes(self) -> int:
        """Bytes on disk of the whole snapshot; files of equal content are kept once."""
        return sum(file.size for file in self.contents())

    def contents(self) -> list[RepositoryFile]:
        """One file for each different content, the largest first."""
        distinct = {file.digest: file for file in reversed(self.files)}
        return sorted(distinct.values(), key=lambda file: (-file.size, file.path))

    def is_model(self) -> bool:
        """Whether there is what loading needs at least: a configuration and weights."""
        paths = {file.path for file in self.files}
        return "config.json" in paths and any(path.endswith(".safetensors") for path in paths)

    def to_json(self) -> dict[str, Any]:
        """As kept on disk."""
        files = [
            {"path": f.path, "size": f.size, "algorithm": f.digest.algorithm, "digest": f.digest.hexadecimal}
            for f in self.files
        ]
        return {
            "repository": self.repository,
            "revision": self.revision,
            "is_commit": self.is_commit,
            "files": files,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            files = [RepositoryFile(f["path"], f["size"], Digest(f["algorithm"], f["digest"])) for f in value["files"]]
            return cls(value["repository"], value["revision"], tuple(files), value.get("is_commit") is not False)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a manifest: {error!r}") from error


def check_path(path: object) -> None:
    """Refuse what is not a plain relative path below the repository.

    Raises:
        ValueError: absolute, with `..`, empty parts or characters that no model file needs.
    """
    if not isinstance(path, str) or len(path) > 1024:
        raise ValueError(f"not a path: {path!r}")
    for part in path.split("/"):
        # In UTF-8, which half a surrogate pair has no form in, file systems take as many bytes.
        if part in ("", ".", "..") or not NAME.fullmatch(part) or len(part.encode()) > 255:
            raise ValueError(f"not a path inside the repository: {path!r}")


def is_fetched(path: str) -> bool:
    """Whether a file belongs to what we fetch, by its name."""
    name = PurePosixPath(path)
    return name.suffix in FETCHED_SUFFIXES or name.name in FETCHED_NAMES


def manifest_from_tree(repository: str, revision: str, entries: Sequence[Mapping[str, Any]]) -> Manifest:
    """The manifest that a hub's recursive tree describes.

    Raises:
        ValueError: the entries are malformed, a path leads out of the repository, or it is no model.
    """
    files: list[RepositoryFile] = []
    try:
        for entry in _files(entries):
            check_path(entry["path"])  # Also where it is not fetched: such a mirror deserves no trust at all.
            if is_fetched(entry["path"]):
                lfs = entry.get("lfs")
                digest = Digest("sha256", lfs["oid"]) if lfs else Digest("git-sha1", entry["oid"])
                files.append(RepositoryFile(entry["path"], lfs["size"] if lfs else entry["size"], digest))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a tree: {error!r}") from error
    manifest = Manifest(repository, revision, tuple(sorted(files, key=lambda file: file.path)))
    if not manifest.is_model():
        raise ValueError("the repository holds no configuration or no weights")
    return manifest


def _files(entries: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    return (entry for entry in entries if entry["type"] == "file")
