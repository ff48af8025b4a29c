"""What an earlier revision left on the disk: what is on its way goes before the new one takes its room, a whole one
after the new one is whole, and nothing goes that is in use."""

import asyncio
import hashlib
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.models import BuiltinModel, Catalog, Models, ModelUpdate, cache
from sidecar.models.cache import RepositoryCache
from sidecar.models.job import SPARE_BYTES
from sidecar.models.manifest import RepositoryFile
from sidecar.models.verify import Digest
from tests.hub import Hub, faults
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
    await under_way(models, hub)
    await models.cancel_download()
    assert (await recorder.end()).kind == "cancelled"
    hub.rate = None


async def under_way(models: Models, hub: Hub) -> None:
    """A download of whose weights a third was sent."""
    hub.rate = WEIGHTS / 3
    before = sent(hub)
    await models.download()
    await asyncio.to_thread(hub.wait_until, lambda: sent(hub) - before > WEIGHTS / 3, PATIENCE)


def sent(hub: Hub) -> int:
    return sum(request.sent for request in hub.log)


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


async def test_the_revision_on_disk_serves_until_the_one_that_a_newer_app_names_is_verified(
    models: Models, recorder: Recorder, hub: Hub, folder: Path, root: Path, pinned: Pinned
) -> None:
    await models.download()
    await recorder.end()
    old = models.get_model_path()
    publish(hub, folder)
    newer = pinned()
    revision = hub.repositories[REPOSITORY].main.revision
    assert newer.status().state == "ready"
    assert newer.status().update == ModelUpdate(revision, None)
    assert newer.list()[0].revision == old.name

    await under_way(newer, hub)
    meanwhile = newer.status()
    assert (meanwhile.state, meanwhile.activity) == ("ready", "downloading")
    assert newer.is_model_downloaded()
    assert newer.get_model_path() == old
    await newer.cancel_download()
    assert (await recorder.end()).kind == "cancelled"
    left = newer.status().update
    assert left is not None
    assert left.missing_bytes is not None
    assert 0 < left.missing_bytes < WEIGHTS, "of what was begun the rest is missing"
    assert newer.status().mirror == hub.url

    hub.rate = None
    await newer.download()
    assert (await recorder.end()).status == "completed"
    assert newer.status().update is None
    assert newer.get_model_path().name == revision
    assert blobs(root) == linked(newer.get_model_path())
    await newer.close()


async def test_a_newer_revision_that_cannot_be_had_costs_nothing_of_the_one_that_serves(
    models: Models, recorder: Recorder, hub: Hub, folder: Path, pinned: Pinned
) -> None:
    await models.download()
    await recorder.end()
    old = models.get_model_path()
    publish(hub, folder)
    newer = pinned()
    hub.fault(faults.corrupt(), on="get", path="model.safetensors")
    await newer.download()
    assert (await recorder.end()).kind == "file_damaged"
    assert newer.status().state == "ready"
    assert newer.get_model_path() == old
    assert (old / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    await newer.close()


async def test_a_newer_app_with_pinned_files_tells_how_much_its_revision_takes(
    models: Models, model: BuiltinModel, recorder: Recorder, hub: Hub, folder: Path, root: Path
) -> None:
    await models.download()
    await recorder.end()
    publish(hub, folder)
    weights = folder.with_name("newer") / "model.safetensors"
    files = [
        RepositoryFile(file.name, file.stat().st_size, Digest("sha256", hashlib.sha256(file.read_bytes()).hexdigest()))
        for file in (weights, folder / "config.json")
    ]
    revision = hub.repositories[REPOSITORY].main.revision
    newest = replace(model, revision=revision, files=tuple(files))
    newer = Models(root=root, catalog=Catalog((newest,)), notify=recorder, limits=LIMITS)
    assert newer.status().update == ModelUpdate(revision, sum(file.size for file in files))
    await newer.close()


async def test_of_one_revision_with_other_files_than_the_catalog_pins_nothing_serves(
    models: Models, model: BuiltinModel, recorder: Recorder, root: Path
) -> None:
    await models.download()
    await recorder.end()
    wrong = RepositoryFile("config.json", 2, Digest("sha256", "0" * 64))
    weights = RepositoryFile("model.safetensors", 2, Digest("sha256", "1" * 64))
    pins = replace(model, revision=models.get_model_path().name, files=(wrong, weights))
    newer = Models(root=root, catalog=Catalog((pins,)), notify=recorder, limits=LIMITS)
    assert newer.status().state == "absent"
    assert newer.status().update is None
    await newer.close()


async def test_a_kill_before_a_newer_revision_is_named_leaves_one_that_serves(
    models: Models, recorder: Recorder, hub: Hub, folder: Path, pinned: Pinned, monkeypatch: pytest.MonkeyPatch
) -> None:
    await models.download()
    await recorder.end()
    old = models.get_model_path()
    publish(hub, folder)
    write = cache._write_durably

    def killed(path: Path, text: str) -> None:
        if path.parent.name == "refs":
            raise OSError("killed")
        write(path, text)

    monkeypatch.setattr(cache, "_write_durably", killed)
    newer = pinned()
    await newer.download()
    assert (await recorder.end()).status == "failed"
    assert models.get_model_path() == old
    assert newer.get_model_path().name == hub.repositories[REPOSITORY].main.revision
    await newer.close()


async def test_a_snapshot_that_is_lent_stays_until_the_last_gives_it_back(
    models: Models, recorder: Recorder, hub: Hub, folder: Path, root: Path, pinned: Pinned
) -> None:
    await models.download()
    await recorder.end()
    publish(hub, folder)
    newer = pinned()
    with newer.lend() as old:
        with newer.lend() as same:
            assert same == old
            await newer.download()
            assert (await recorder.end()).status == "completed"
        assert newer.get_model_path() != old
        await newer.sweep_superseded()
        assert (old / "model.safetensors").stat().st_size == WEIGHTS
    await asyncio.gather(*newer._sweeps)
    assert not old.exists()
    assert blobs(root) == linked(newer.get_model_path())
    assert newer.status().state == "ready"
    await newer.close()


async def test_what_a_process_that_died_had_lent_is_gone_after_the_next_start(
    models: Models, recorder: Recorder, hub: Hub, folder: Path, root: Path, pinned: Pinned
) -> None:
    await models.download()
    await recorder.end()
    publish(hub, folder)
    dead = pinned()
    lent = dead.lend()
    old = lent.__enter__()
    await dead.download()
    assert (await recorder.end()).status == "completed"
    assert old.exists()
    newer = pinned()
    await newer.sweep_superseded()
    assert not old.exists()
    assert blobs(root) == linked(newer.get_model_path())
    assert newer.status().state == "ready"
    await newer.close()
    await dead.close()


async def test_what_is_on_its_way_is_not_swept_when_a_snapshot_is_given_back(
    models: Models, recorder: Recorder, hub: Hub, folder: Path, root: Path, pinned: Pinned
) -> None:
    await models.download()
    await recorder.end()
    publish(hub, folder)
    newer = pinned()
    await begun(newer, recorder, hub)
    before = sum(part.stat().st_size for part in root.rglob("*.part"))
    assert before > 0
    with newer.lend():
        pass
    await asyncio.gather(*newer._sweeps)
    assert sum(part.stat().st_size for part in root.rglob("*.part")) == before
    await newer.close()
