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

    `activity` is the job's that runs; `state` does not tell it: an import is `downloading`, too. `mirror` is where a
    download comes from, or an unfinished one came from last: whoever finds it knows what was agreed to.
    """

    model_id: str
    state: ModelState
    downloaded_bytes: int
    total_bytes: int | None
    kind: str | None = None
    damaged_files: tuple[str, ...] = ()
    activity: Activity | None = None
    mirror: str | None = None


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
    """The snapshot that counts as this model, if it was verified: the pinned one, or the one that came last."""
    revision = model.revision or cache.main_revision()
    manifest = None if revision is None else cache.verified(revision)
    pinned = model.pinned()
    if manifest is not None and pinned is not None and set(manifest.files) != set(pinned.files):
        return None  # Checked against a mirror's word once; the catalog knows better now.
    return manifest


def on_disk(model: BuiltinModel, cache: RepositoryCache) -> ModelStatus:
    """The status of a model that nothing is being done with. Contents are not read."""
    manifest = verified(model, cache)
    if manifest is not None:
        damaged = cache.damaged_files(manifest)
        here = sum(cache.bytes_on_disk(file) for file in manifest.contents())
        state: ModelState = "damaged" if damaged else "ready"
        kind = "file_damaged" if damaged else None
        mirror = cache.mirror() if damaged else None
        return ModelStatus(model.id, state, here, manifest.total_bytes, kind, tuple(damaged), mirror=mirror)
    plan = model.pinned() or cache.plan()
    if plan is None:
        return ModelStatus(model.id, "absent", 0, model.total_bytes)
    here = sum(cache.bytes_on_disk(file) for file in plan.contents())
    if not here:
        return ModelStatus(model.id, "absent", 0, plan.total_bytes, mirror=cache.mirror())
    return ModelStatus(model.id, "partial", here, plan.total_bytes, mirror=cache.mirror())


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
