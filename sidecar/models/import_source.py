"""A folder that a person says holds the model: where its files are, and whether it may be this model. Nothing is
written, and no content but the configuration and the weights' headers is read."""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidecar.errors import ImportRefused
from sidecar.models.catalog import BuiltinModel
from sidecar.models.manifest import NAME, REVISION, is_fetched
from sidecar.models.safetensors import is_whole
from sidecar.models.verify import Digest

MODEL_TYPE = "qwen3_vl"  # All that the engine loads.
CODE_MEMBERS = ("model_file", "auto_map")  # By these a configuration has Python code run that lies beside it.
# What the engine cannot answer without beside the weights; of each line one will do.
NEEDED = (
    ("tokenizer.json", "vocab.json"),
    ("preprocessor_config.json", "processor_config.json"),  # else pictures get another model's measures
)
TEMPLATES = ("chat_template.jinja", "chat_template.json")
TEMPLATE_HOLDERS = ("tokenizer_config.json", "processor_config.json")  # or a member of these
SIZE_TOLERANCE = 0.2  # of what the catalog says without pins: its word for people, and models of this size are alike
LONGEST_JSON = 8 * 1024 * 1024
MOST_FILES = 1000


@dataclass(frozen=True)
class SourceFile:
    """One file: its name in the model, where it really lies, its size in bytes, and its digest if one is known."""

    name: str
    path: Path
    size: int
    digest: Digest | None


@dataclass(frozen=True)
class ImportSource:
    """The files to import, the largest first, and the revision that they are, if that is known."""

    path: str
    files: tuple[SourceFile, ...]
    revision: str | None

    @property
    def total_bytes(self) -> int:
        return sum(file.size for file in self.files)


def inspect(path: str, model: BuiltinModel) -> ImportSource:
    """Look at a folder that holds the model, at a snapshot of a Hugging Face cache, at a repository's folder there, or
    at the cache itself.

    With pins, the files are those of the catalog, and of the right sizes. Without, they are what a model of the one
    kind that can be loaded consists of. Whatever else lies there, pickled weights and code above all, is ignored.

    Raises:
        ImportRefused: it is none of these; `details.reason` says why, `details.file` names a file.
    """
    try:
        chosen = Path(path).resolve(strict=True)
        if not Path(path).is_absolute() or not chosen.is_dir():
            raise ImportRefused("not a folder", reason="not_a_folder")
        folder = _snapshot(chosen, model)
        boundaries = [folder, *_blobs(folder)]
        pinned = model.pinned()
        if pinned is None:
            files = [_file(folder, name, None, boundaries) for name in _found(folder)]
            _check_unpinned(files)
            _check_size(files, model)
        else:
            files = [_file(folder, file.path, file.digest, boundaries) for file in pinned.files]
            for file, wanted in zip(files, pinned.files, strict=True):
                if file.size != wanted.size:
                    raise ImportRefused("of another size", reason="different", file=file.name)
    except (OSError, ValueError, RuntimeError) as error:  # a name with a zero byte, a link to itself
        raise ImportRefused(f"cannot be read: {type(error).__name__}", reason="not_a_folder") from error
    is_commit = folder.parent.name == "snapshots" and REVISION.fullmatch(folder.name)
    known = model.revision or (folder.name if is_commit else None)
    files.sort(key=lambda file: (-file.size, file.name))
    return ImportSource(path, tuple(files), known)


def _snapshot(chosen: Path, model: BuiltinModel) -> Path:
    """The folder with the model's files in what was chosen."""
    if (chosen / "config.json").is_file():
        return chosen
    repository = f"models--{model.repository.replace('/', '--')}"
    for base in (chosen, chosen / repository, chosen / "hub" / repository):
        snapshots = base / "snapshots"
        if not snapshots.is_dir():
            continue
        # What the catalog names, else what the cache itself calls the newest, else the only one.
        names = [model.revision] if model.revision else [_main(base), *_only(snapshots)]
        for name in names:
            if name and (folder := (snapshots / name)).is_dir():
                if folder.resolve() != folder:
                    raise ImportRefused("a link leads out of the folder", reason="link_outside", file=name)
                return folder
    raise ImportRefused("no model is there", reason="no_model")


def _main(repository: Path) -> str | None:
    try:
        revision = (repository / "refs" / "main").read_text()[:41].strip()
    except (OSError, UnicodeDecodeError):
        return None
    return revision if REVISION.fullmatch(revision) else None


def _only(snapshots: Path) -> Iterator[str]:
    names = [entry.name for entry in snapshots.iterdir() if REVISION.fullmatch(entry.name)]
    if len(names) == 1:
        yield names[0]


def _blobs(folder: Path) -> list[Path]:
    """Where a Hugging Face cache keeps what the links of a snapshot lead to."""
    blobs = folder.parent.parent / "blobs"
    is_cache = folder.parent.name == "snapshots" and blobs.is_dir() and blobs.resolve() == blobs
    return [blobs] if is_cache else []


def _found(folder: Path) -> list[str]:
    """What would be fetched from a hub, too. A model of our kind has no folders."""
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if is_fetched(e.name) and NAME.fullmatch(e.name) and not e.is_dir()]
    if len(names) > MOST_FILES:
        raise ImportRefused("too many files for a model", reason="no_model")
    return sorted(names)


def _file(folder: Path, name: str, digest: Digest | None, boundaries: list[Path]) -> SourceFile:
    try:
        path = (folder / name).resolve(strict=True)
    except FileNotFoundError as error:
        raise ImportRefused("a file is missing", reason="incomplete", file=name) from error
    if not any(path.is_relative_to(boundary) for boundary in boundaries):
        raise ImportRefused("a link leads out of the folder", reason="link_outside", file=name)
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ImportRefused("not a file", reason="incomplete", file=name)
    return SourceFile(name, path, found.st_size, digest)


def _check_unpinned(files: list[SourceFile]) -> None:
    """Whether these are a model that the engine could load."""
    named = {file.name: file for file in files}
    config = _json(named["config.json"]) if "config.json" in named else {}
    if any(member in config for member in CODE_MEMBERS):
        raise ImportRefused("the model wants to run code of its own", reason="other_model", file="config.json")
    if config.get("model_type") != MODEL_TYPE:
        raise ImportRefused("a model of another kind", reason="other_model", file="config.json")
    weights = [file for file in files if file.name.endswith(".safetensors")]
    index = named.get("model.safetensors.index.json")
    shards = _json(index).get("weight_map") if index else {}
    missing = {str(shard) for shard in shards.values()} - set(named) if isinstance(shards, dict) else {"?"}
    if missing or not weights:
        raise ImportRefused("weights are missing", reason="incomplete", file=min(missing, default="model.safetensors"))
    for file in weights:
        if not is_whole(file.path):
            raise ImportRefused("weights that are not whole", reason="incomplete", file=file.name)
    lacking = [names[0] for names in NEEDED if not set(names) & set(named)]
    if not set(TEMPLATES) & set(named):
        holders = [_json(named[name]) for name in TEMPLATE_HOLDERS if name in named]
        lacking += [] if any("chat_template" in holder for holder in holders) else [TEMPLATES[0]]
    if lacking:
        raise ImportRefused("a file is missing", reason="incomplete", file=lacking[0])


def _check_size(files: list[SourceFile], model: BuiltinModel) -> None:
    """Whether they are about as large as this model: its kind has smaller and far larger ones."""
    wanted, found = model.total_bytes, sum(file.size for file in files)
    if wanted is not None and abs(found - wanted) > SIZE_TOLERANCE * wanted:
        raise ImportRefused(f"{found} bytes, and the model has {wanted}", reason="other_model")


def _json(file: SourceFile) -> dict[str, Any]:
    if file.size > LONGEST_JSON:
        raise ImportRefused("not a model's configuration", reason="other_model", file=file.name)
    try:
        value = json.loads(file.path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ImportRefused("not a model's configuration", reason="other_model", file=file.name) from error
    return value if isinstance(value, dict) else {}
