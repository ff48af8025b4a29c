"""Downloads that end well: what is fetched, where it lies, and what is told on the way."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest

from sidecar.errors import ModelNotFound, ModelNotReady
from sidecar.models import BuiltinModel, Catalog, Models, NetworkLimits
from sidecar.models.manifest import RepositoryFile
from sidecar.models.verify import Digest
from tests.hub import Hub, faults
from tests.unit.models.conftest import LIMITS, PATIENCE, REPOSITORY, WEIGHTS, Recorder

FETCHED = {
    "README.md", "config.json", "merges.txt", "model.safetensors", "sub/copy_of_tokenizer.json", "tokenizer.json",
}  # fmt: skip


async def test_a_download_brings_every_file_of_the_model_unchanged(
    models: Models, recorder: Recorder, folder: Path
) -> None:
    assert models.status().state == "absent"
    assert (await models.download("tiny")).state == "downloading"
    assert (await recorder.end()).status == "completed"

    snapshot = models.get_model_path("tiny")
    files = {path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()}
    assert files == FETCHED
    for name in FETCHED:
        assert (snapshot / name).read_bytes() == (folder / name).read_bytes()
    status = models.status()
    assert (status.state, status.kind, status.damaged_files) == ("ready", None, ())
    assert status.downloaded_bytes == status.total_bytes
    assert models.is_model_downloaded(REPOSITORY)


async def test_pickled_weights_and_code_are_never_asked_for(models: Models, recorder: Recorder, hub: Hub) -> None:
    await models.download()
    await recorder.end()
    assert {request.file for request in hub.requests("get")} <= FETCHED


async def test_no_content_is_fetched_twice_and_an_empty_file_not_at_all(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    await models.download()
    await recorder.end()
    fetched = [request.file for request in hub.requests("get")]
    assert len(fetched) == len(set(fetched)) == 4  # of six: one is empty, and two have the same content
    assert "merges.txt" not in fetched


async def test_the_revision_is_resolved_once_and_used_for_every_request(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    await models.download()
    await recorder.end()
    revision = hub.repositories[REPOSITORY].main.revision
    assert len(hub.requests("info")) == 1
    assert all(f"/{revision}" in request.url for request in hub.requests("tree") + hub.requests("get"))
    assert models.list()[0].revision == revision


async def test_huggingface_hub_finds_the_snapshot_in_its_own_cache_layout(
    models: Models, recorder: Recorder, root: Path, hub: Hub
) -> None:
    await models.download()
    await recorder.end()
    found = huggingface_hub.snapshot_download(REPOSITORY, cache_dir=root, local_files_only=True)
    assert Path(found) == models.get_model_path()
    assert root / "models--knowledge-focus--tiny" in Path(found).parents
    scanned = huggingface_hub.scan_cache_dir(root)
    assert not scanned.warnings
    (repository,) = scanned.repos
    assert repository.repo_id == REPOSITORY
    assert set(repository.refs) == {"main"}
    assert repository.refs["main"].commit_hash == hub.repositories[REPOSITORY].main.revision


async def test_huggingface_hub_downloads_the_same_files_from_the_test_hub(
    hub: Hub, folder: Path, tmp_path: Path
) -> None:
    hub.redirect_lfs, hub.page_size = True, 2
    found = await asyncio.to_thread(
        huggingface_hub.snapshot_download, REPOSITORY, endpoint=hub.url, cache_dir=tmp_path / "hf", token=False
    )
    for name in FETCHED:
        assert (Path(found) / name).read_bytes() == (folder / name).read_bytes()


async def test_lists_in_pages_and_redirects_of_large_files_are_followed(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    hub.redirect_lfs, hub.page_size = True, 2
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert len(hub.requests("tree")) > 2
    assert [request.sent for request in hub.requests("cdn", "model.safetensors")] == [WEIGHTS]


async def test_nothing_that_identifies_a_person_is_sent(
    models: Models, recorder: Recorder, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.fault(lambda reply: replace(reply, headers={**reply.headers, "Set-Cookie": "person=1; Path=/"}))
    await models.download()
    await recorder.end()
    for request in hub.log:
        assert set(request.headers) <= {"host", "accept", "accept-encoding", "connection", "user-agent", "range"}
        assert request.headers["accept-encoding"] == "identity"
        assert request.headers["user-agent"] == "knowledge-focus"


async def test_a_second_call_joins_the_running_download(models: Models, recorder: Recorder, hub: Hub) -> None:
    hub.rate = 20 * WEIGHTS
    statuses = await asyncio.gather(*(models.download() for _ in range(5)))
    assert {status.state for status in statuses} == {"downloading"}
    await recorder.end()
    assert len(hub.requests("info")) == 1
    assert len(hub.requests("get", "model.safetensors")) == 1


async def test_a_model_on_disk_is_not_asked_for_again(models: Models, recorder: Recorder, hub: Hub) -> None:
    await models.download()
    await recorder.end()
    asked = len(hub.log)
    assert (await models.download()).state == "ready"
    assert len(hub.log) == asked
    assert not recorder.events


async def test_at_most_four_files_are_in_flight(
    model: BuiltinModel, root: Path, recorder: Recorder, folder: Path
) -> None:
    for number in range(8):
        (folder / f"part-{number}.safetensors").write_bytes(bytes([number]) * 1000)
    limits = replace(LIMITS, stall_seconds=30, attempts=1)
    models = Models(root=root, catalog=Catalog((model,)), notify=recorder, limits=limits)
    with Hub({REPOSITORY: folder}) as hub:

        def asked_for(number: int) -> Callable[[], bool]:
            return lambda: len(hub.requests("get")) >= number

        hub.fault(faults.stall(), on="get")  # none of them ends
        await models.download(mirror=hub.url)
        await asyncio.to_thread(hub.wait_until, asked_for(4))
        with pytest.raises(TimeoutError):  # a fifth would come as fast as the fourth did
            await asyncio.to_thread(hub.wait_until, asked_for(5), 0.5)
        await models.cancel_download()


async def test_verifying_is_told_while_what_arrived_is_brought_to_the_disk_and_only_then_100_percent(
    models: Models, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, flush = threading.Event(), os.fsync

    def slow(descriptor: int) -> None:
        if os.fstat(descriptor).st_size >= WEIGHTS:
            told.wait(PATIENCE)
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    await models.download()
    event = await recorder.wait_for(lambda event: event.message == "Verifying…")
    assert (event.progress, event.status, models.status().state) == (99, "downloading", "verifying")
    told.set()
    end = await recorder.end()
    assert (end.progress, end.status) == (100, "completed")


async def test_a_download_that_fails_is_never_told_to_be_verified(models: Models, recorder: Recorder, hub: Hub) -> None:
    hub.fault(faults.status(404), on="get", path="model.safetensors")
    await models.download()
    await recorder.wait_for(lambda event: event.name.endswith("-failed"))
    assert not [event for event in recorder.events if event.message == "Verifying…"]


async def test_the_last_event_comes_when_the_status_already_says_so(root: Path, model: BuiltinModel, hub: Hub) -> None:
    seen: list[str] = []
    ended = asyncio.Event()

    def notify(event: object) -> None:
        if str(getattr(event, "name", "")).endswith("-completed"):
            seen.append(models.status().state)
            ended.set()

    models = Models(root=root, catalog=Catalog((model,)), notify=notify)
    await models.download()
    await asyncio.wait_for(ended.wait(), 15)
    assert seen == ["ready"]


async def test_pinned_files_are_checked_against_the_catalog_without_asking_the_mirror_for_a_list(
    root: Path, model: BuiltinModel, hub: Hub, recorder: Recorder
) -> None:
    snapshot = hub.repositories[REPOSITORY].main
    wanted = [file for name, file in snapshot.files.items() if name in ("config.json", "model.safetensors")]
    files = tuple(RepositoryFile(file.path, file.size, Digest("sha256", file.sha256)) for file in wanted)
    pinned = replace(model, revision=snapshot.revision, files=files)
    models = Models(root=root, catalog=Catalog((pinned,)), notify=recorder, limits=LIMITS)
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert {request.endpoint for request in hub.log} == {"get"}
    assert sorted(request.file for request in hub.requests("get")) == ["config.json", "model.safetensors"]


async def test_a_file_that_is_not_the_pinned_one_is_refused(
    root: Path, model: BuiltinModel, hub: Hub, recorder: Recorder
) -> None:
    snapshot = hub.repositories[REPOSITORY].main
    files = tuple(
        RepositoryFile(file.path, file.size, Digest("sha256", file.sha256 if name == "config.json" else "0" * 64))
        for name, file in snapshot.files.items()
        if name in ("config.json", "model.safetensors")
    )
    pinned = replace(model, revision=snapshot.revision, files=files)
    models = Models(root=root, catalog=Catalog((pinned,)), notify=recorder, limits=LIMITS)
    await models.download()
    failed = await recorder.end()
    assert (failed.kind, failed.file) == ("file_damaged", "model.safetensors")
    assert not models.is_model_downloaded()


async def test_a_model_that_is_not_on_disk_or_not_known_has_no_path(models: Models) -> None:
    with pytest.raises(ModelNotReady):
        models.get_model_path("tiny")
    with pytest.raises(ModelNotFound):
        models.get_model_path("huge")
    with pytest.raises(ModelNotFound):
        models.status("huge")
    with pytest.raises(ModelNotFound):
        await models.download("huge")
    with pytest.raises(ModelNotFound):
        await models.cancel_download("huge")


async def test_the_list_names_models_with_their_state_and_mirrors(models: Models, hub: Hub) -> None:
    (listed,) = models.list()
    assert (listed.id, listed.repository, listed.display_name) == ("tiny", REPOSITORY, "Tiny")
    assert (listed.state, listed.revision, listed.total_bytes) == ("absent", None, None)
    assert listed.mirrors == (hub.url,)
    assert listed.capabilities == ("text",)


async def test_every_log_line_of_a_download_names_the_builtin_model(
    models: Models, recorder: Recorder, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sidecar.models")
    await models.download()
    await recorder.end()
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("sidecar.models")]
    assert len(lines) >= 3
    assert all("builtin-model" in line for line in lines)


def test_the_limits_that_ship_wait_for_a_slow_mirror() -> None:
    limits = NetworkLimits()
    assert limits.stall_seconds >= 10
    assert limits.parallel_files == 4
