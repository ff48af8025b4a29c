"""Which built-in models there are: a JSON file, shipped or given on the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic_core import from_json

from sidecar.errors import MirrorInvalid, ModelNotFound
from sidecar.models.manifest import REVISION, Manifest, RepositoryFile, is_fetched
from sidecar.models.mirrors import Mirror
from sidecar.models.verify import Digest

SHIPPED = Path(__file__).with_name("catalog.json")
LONGEST_ID = 200
"""Characters; `protocol.models.ModelId` allows as many."""
CAPABILITIES = frozenset({"vision", "text", "structured_output", "tool_use"})


class CatalogError(ValueError):
    """The catalog cannot be read or says something impossible; the message names the place."""


@dataclass(frozen=True)
class BuiltinModel:
    """One model of the catalog.

    `revision` and `files` are the release's pins. Without `files`, the mirror's own list is what a download is checked
    against; without `revision`, the mirror's newest. `total_bytes` is what to tell people before the files are known.
    """

    id: str
    repository: str
    display_name: str
    capabilities: tuple[str, ...]
    mirrors: tuple[str, ...]
    revision: str | None = None
    total_bytes: int | None = None
    files: tuple[RepositoryFile, ...] | None = None

    def pinned(self) -> Manifest | None:
        """The manifest that the catalog itself vouches for, if it pins every file."""
        if self.revision is None or self.files is None:
            return None
        return Manifest(self.repository, self.revision, self.files)


@dataclass(frozen=True)
class Catalog:
    """The built-in models; the first is the one meant where none is named."""

    models: tuple[BuiltinModel, ...]

    def find(self, model_id: str | None = None) -> BuiltinModel:
        """The model of that id or repository, or the first.

        Raises:
            ModelNotFound: the catalog has no such model.
        """
        if model_id is None:
            return self.models[0]
        for model in self.models:
            if model_id in (model.id, model.repository):
                return model
        raise ModelNotFound(f"no built-in model {model_id!r}", model=model_id)

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read a catalog; the shipped one by default.

        Raises:
            CatalogError: it cannot be read, or is not a catalog.
        """
        source = path or SHIPPED
        try:
            # Unlike json.loads it refuses endless nesting and half surrogate pairs, which no answer could carry.
            value = from_json(source.read_bytes())
            models = tuple(_model(entry) for entry in value["models"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, MirrorInvalid) as error:
            raise CatalogError(f"{source}: {error!r}") from error
        names = [name for model in models for name in {model.id, model.repository}]
        if not models or len(set(names)) != len(names):
            raise CatalogError(f"{source}: no models, or two of one name")
        return cls(models)


def _model(entry: Mapping[str, Any]) -> BuiltinModel:
    files = None if entry.get("files") is None else tuple(_file(file) for file in entry["files"])
    revision = entry.get("revision")
    total = entry.get("totalBytes")
    model = BuiltinModel(
        id=_text(entry["id"]),
        repository=_text(entry["repository"]),
        display_name=_text(entry["displayName"]),
        capabilities=tuple(entry["capabilities"]),
        mirrors=tuple(Mirror.parse(mirror).url for mirror in entry["mirrors"]),
        revision=revision,
        total_bytes=sum(file.size for file in files) if files is not None else total,
        files=files,
    )
    if len(model.id) > LONGEST_ID:
        raise ValueError(f"an id has {LONGEST_ID} characters at most")
    Manifest(model.repository, revision or "0" * 40, files or ())  # Checks the names that become paths.
    if not model.mirrors or not set(model.capabilities) <= CAPABILITIES:
        raise ValueError(f"{model.id}: no mirror, or an unknown capability")
    if revision is not None and not REVISION.fullmatch(revision):
        raise ValueError(f"{model.id}: a revision is 40 hexadecimal digits")
    if total is not None and (type(total) is not int or total < 0):
        raise ValueError(f"{model.id}: totalBytes is a number of bytes")
    if (pinned := model.pinned()) is None:
        if files is not None:
            raise ValueError(f"{model.id}: files are pinned at a revision")
    elif not pinned.is_model():
        raise ValueError(f"{model.id}: files without a configuration or weights")
    return model


def _file(entry: Mapping[str, Any]) -> RepositoryFile:
    file = RepositoryFile(entry["path"], entry["size"], Digest("sha256", entry["sha256"]))
    if not is_fetched(file.path):
        raise ValueError(f"a kind of file that is never fetched: {file.path!r}")
    return file


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"not a text: {value!r}")
    return value
