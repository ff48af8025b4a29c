"""What of a model is on disk."""

from dataclasses import dataclass
from typing import Literal

from sidecar.models.cache import RepositoryCache
from sidecar.models.catalog import BuiltinModel
from sidecar.models.manifest import Manifest

ModelState = Literal["absent", "partial", "downloading", "verifying", "ready", "damaged", "failed"]
Activity = Literal["downloading", "importing", "verifying", "deleting", "answering"]
"""What may be going on with a model."""


@dataclass(frozen=True)
class ModelStatus:
    """What of a model is on disk, and what is being done about the rest.

    `total_bytes` is None until somebody said it. `kind` is the last failure's, while the state is `failed`; after a
    restart, or after a cancel, such a model is `partial` or `absent`. While a model on disk is verified,
    `downloaded_bytes` are those that were read again.

    `activity` is the job's that runs; `state` does not tell it: an import is `downloading`, too, and a model whose
    earlier revision serves meanwhile is `ready`. `mirror` is where a download comes from, or an unfinished one came
    from last: whoever finds it knows what was agreed to. `update` is what the catalog has in the place of it.
    """

    model_id: str
    state: ModelState
    downloaded_bytes: int
    total_bytes: int | None
    kind: str | None = None
    damaged_files: tuple[str, ...] = ()
    activity: Activity | None = None
    mirror: str | None = None
    update: "ModelUpdate | None" = None


@dataclass(frozen=True)
class ModelUpdate:
    """The revision that the catalog pins, while an earlier one serves. `missing_bytes` is what a download fetches of
    it; None where the catalog does not name its files."""

    revision: str
    missing_bytes: int | None


@dataclass(frozen=True)
class ListedModel:
    """A model of the catalog with what is known of it on this computer."""

    id: str
    repository: str
    revision: str | None
    display_name: str
    capabilities: tuple[str, ...]
    mirrors: tuple[str, ...]
    total_bytes: int | None
    state: ModelState


def verified(model: BuiltinModel, cache: RepositoryCache) -> Manifest | None:
    """The snapshot that serves as this model, if one was verified: the pinned one, or else the one that came last. So
    an app with other pins does not lock out people who have not fetched what they name."""
    pinned = model.pinned()
    for revision in (model.revision, cache.main_revision()):
        manifest = None if revision is None else cache.verified(revision)
        if manifest is None:
            continue
        if pinned is None or revision != pinned.revision or set(manifest.files) == set(pinned.files):
            return manifest
        # Else it was checked against a mirror's word once; the catalog knows better now.
    return None


def update(model: BuiltinModel, cache: RepositoryCache) -> ModelUpdate | None:
    """What a download would put in the place of the snapshot that serves; None where that is as the catalog has it."""
    manifest = verified(model, cache)
    if manifest is None or model.revision in (None, manifest.revision):
        return None
    here, total = of_download(model, cache)
    return ModelUpdate(model.revision, None if total is None else total - here)


def of_download(model: BuiltinModel, cache: RepositoryCache) -> tuple[int, int | None]:
    """How many bytes are here of what a download brings, and how many there are, if that is known."""
    manifest, plan = verified(model, cache), model.pinned() or cache.plan()
    if manifest is not None and model.revision in (None, manifest.revision):
        plan = manifest
    elif plan is None or model.revision not in (None, plan.revision):
        return 0, None if manifest else model.total_bytes
    return sum(cache.bytes_on_disk(file) for file in plan.contents()), plan.total_bytes


def on_disk(model: BuiltinModel, cache: RepositoryCache) -> ModelStatus:
    """The status of a model that nothing is being done with. Contents are not read."""
    manifest = verified(model, cache)
    if manifest is not None:
        damaged = cache.damaged_files(manifest)
        here = sum(cache.bytes_on_disk(file) for file in manifest.contents())
        state: ModelState = "damaged" if damaged else "ready"
        kind = "file_damaged" if damaged else None
        newer = update(model, cache)
        mirror = cache.mirror() if damaged or newer else None
        return ModelStatus(
            model.id, state, here, manifest.total_bytes, kind, tuple(damaged), mirror=mirror, update=newer
        )
    here, total = of_download(model, cache)
    return ModelStatus(model.id, "partial" if here else "absent", here, total, mirror=cache.mirror())


def listed(model: BuiltinModel, cache: RepositoryCache, status: ModelStatus) -> ListedModel:
    """A model with what its status says."""
    manifest = verified(model, cache)
    return ListedModel(
        model.id,
        model.repository,
        manifest.revision if manifest is not None and manifest.is_commit else model.revision,
        model.display_name,
        model.capabilities,
        model.mirrors,
        status.total_bytes,
        status.state,
    )
