"""What an earlier revision left on the disk: what is on its way goes before the new one takes its room, a whole one
after the new one is whole, and nothing goes that is in use."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.models import BuiltinModel, Catalog, Models
from sidecar.models.cache import RepositoryCache
from sidecar.models.job import SPARE_BYTES
from tests.hub import Hub
from tests.unit.models.conftest import LIMITS, PATIENCE, REPOSITORY, WEIGHTS, Recorder

Pinned = Callable[[], Models]
"""Models whose catalog has the hub's newest revision, as a newer app's has."""


@pytest.fixture
def pinned(hub: Hub, model: BuiltinModel, root: Path, recorder: Recorder) -> Pinned:
    def make() -> Models:
        newest = replace(model, revision=hub.repositories[REPOSITORY].main.revision)
        return Models(root=root, catalog=Catalog((newest,)), notify=recorder, limits=LIMITS)

    return make


def publish(hub: Hub, folder: Path) -> None:
    """A revision with other weights and the same tokenizer. The hub keeps serving the one before."""
    newer = folder.with_name("newer")
    newer.mkdir()
    for file in ("config.json", "tokenizer.json"):
        (newer / file).write_bytes((folder / file).read_bytes())
    (newer / "model.safetensors").write_bytes(random.Random(8).randbytes(WEIGHTS))
    hub.repositories[REPOSITORY].publish(newer)


def blobs(root: Path) -> set[str]:
    return {blob.name for blob in root.glob("*/blobs/*")}


def linked(snapshot: Path) -> set[str]:
    return {link.readlink().name for link in snapshot.rglob("*") if link.is_symlink()}


async def begun(models: Models, recorder: Recorder, hub: Hub) -> None:
    """A download that was cancelled when a third of the weights was sent."""
    hub.rate = WEIGHTS / 3
    await models.download()
    await asyncio.to_thread(hub.wait_until, lambda: sum(request.sent for request in hub.log) > WEIGHTS / 3, PATIENCE)
    await models.cancel_download()
    assert (await recorder.end()).kind == "cancelled"
    hub.rate = None


async def test_what_a_superseded_revision_left_on_its_way_is_gone_before_the_room_is_checked(
    models: Models,
    recorder: Recorder,
    hub: Hub,
    folder: Path,
    root: Path,
    pinned: Pinned,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await begun(models, recorder, hub)
    publish(hub, folder)

    def room(_: RepositoryCache) -> int:
        """A disk on which the new revision fits once the part of the old one is gone."""
        return SPARE_BYTES + WEIGHTS + 100_000 - sum(part.stat().st_size for part in root.rglob("*.part"))

    monkeypatch.setattr(RepositoryCache, "free_bytes", room)
    newer = pinned()
    await newer.download()
    assert (await recorder.end()).status == "completed"
    assert blobs(root) == linked(newer.get_model_path())


async def test_a_copy_of_an_import_that_was_killed_is_gone_before_the_room_is_checked(
    models: Models, recorder: Recorder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = root / "models--knowledge-focus--tiny" / "parts" / "0.copy"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"half of it")
    monkeypatch.setattr(RepositoryCache, "free_bytes", lambda _: 0 if copy.exists() else 10**12)
    await models.download()
    assert (await recorder.end()).status == "completed"


async def test_what_the_new_revision_has_in_common_is_not_fetched_again(
    models: Models, recorder: Recorder, hub: Hub, folder: Path, pinned: Pinned
) -> None:
    await begun(models, recorder, hub)
    (folder / "generation_config.json").write_text("{}")
    hub.repositories[REPOSITORY].publish(folder)
    await pinned().download()
    assert (await recorder.end()).status == "completed"
    assert "range" in hub.requests("get", "model.safetensors")[-1].headers


async def test_a_superseded_snapshot_stays_until_the_new_one_is_whole(
    models: Models, recorder: Recorder, hub: Hub, folder: Path, root: Path, pinned: Pinned
) -> None:
    await models.download()
    await recorder.end()
    (old,) = root.glob("*/snapshots/*")
    before = linked(old)
    publish(hub, folder)
    newer = pinned()
    await begun(newer, recorder, hub)
    assert before <= blobs(root)

    await newer.download()
    assert (await recorder.end()).status == "completed"
    (new,) = root.glob("*/snapshots/*")
    assert new == newer.get_model_path()
    assert blobs(root) == linked(new)
    assert [record.stem for record in root.glob("*/verified/*")] == [new.name]


async def test_a_snapshot_that_was_given_out_for_loading_is_not_deleted_by_a_download(
    models: Models, recorder: Recorder, hub: Hub, folder: Path, root: Path
) -> None:
    await models.download()
    await recorder.end()
    old = models.get_model_path()
    # The one way to another revision within one process: it is damaged, and the mirror has it no more.
    (old / "config.json").resolve().unlink()
    hub.repositories[REPOSITORY].snapshots.clear()
    publish(hub, folder)
    await models.download()
    assert (await recorder.end()).kind == "mirror_not_found"
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert (old / "model.safetensors").stat().st_size == WEIGHTS
    assert models.get_model_path() != old
