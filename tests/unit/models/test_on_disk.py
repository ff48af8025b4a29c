"""A model on disk: read again on demand, with progress, and deleted to the last part."""

import asyncio
import threading
from pathlib import Path

import pytest

from sidecar.errors import ModelInUse, ModelNotFound, ModelNotReady
from sidecar.models import BuiltinModel, Catalog, Models
from sidecar.models.check import SnapshotCheck
from tests.hub import Hub
from tests.unit.models.conftest import LIMITS, PATIENCE, WEIGHTS, Recorder


def left(root: Path) -> list[Path]:
    return list(root.iterdir())


@pytest.fixture
async def downloaded(models: Models, recorder: Recorder) -> Models:
    await models.download()
    await recorder.end()
    return models


@pytest.mark.usefixtures("downloaded")
async def test_verifying_a_whole_model_is_told_and_ends_ready(
    root: Path, model: BuiltinModel, recorder: Recorder
) -> None:
    # Another process: in the first the second after the download's last event would not be over.
    models = Models(root=root, catalog=Catalog((model,)), notify=recorder, limits=LIMITS)
    checking = asyncio.create_task(models.verify())
    first = await recorder.wait_for(lambda event: True)
    assert first.message.startswith("Verifying... ")
    assert first.verifying
    status = await checking
    assert (status.state, status.damaged_files) == ("ready", ())
    assert recorder.events[-1].name == "builtin-model-download-completed"


async def test_while_a_model_is_verified_its_state_says_so_and_it_can_be_used(downloaded: Models) -> None:
    checking = asyncio.create_task(downloaded.verify())
    await asyncio.sleep(0)
    assert downloaded.status().state == "verifying"
    assert downloaded.get_model_path().is_dir()
    await checking


async def test_a_model_that_is_found_damaged_is_told_by_the_last_event_and_the_status(
    downloaded: Models, recorder: Recorder
) -> None:
    for name in ("model.safetensors", "tokenizer.json"):
        with (downloaded.get_model_path() / name).open("r+b") as file:
            file.write(b"damaged")
    status = await downloaded.verify()
    damaged = ("model.safetensors", "sub/copy_of_tokenizer.json", "tokenizer.json")
    assert (status.state, status.kind, status.damaged_files) == ("damaged", "file_damaged", damaged)
    failed = recorder.events[-1]
    assert (failed.name, failed.kind) == ("builtin-model-download-failed", "file_damaged")
    assert failed.file in damaged


async def test_two_calls_verify_once_and_a_cancel_ends_it(downloaded: Models, recorder: Recorder) -> None:
    calls = asyncio.gather(downloaded.verify(), downloaded.verify())
    await asyncio.sleep(0)
    await downloaded.cancel_download()
    assert [status.state for status in await calls] == ["ready", "ready"]
    assert (await recorder.end()).kind == "cancelled"


async def test_who_stops_waiting_for_a_check_ends_it_unless_somebody_else_waits(
    downloaded: Models, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, go_on = SnapshotCheck.run, threading.Event()

    def held(check: SnapshotCheck) -> None:
        go_on.wait(PATIENCE)
        run(check)

    monkeypatch.setattr(SnapshotCheck, "run", held)
    first, second, chat = (
        asyncio.create_task(each) for each in (downloaded.verify(), downloaded.verify(), downloaded.find_damage())
    )
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(asyncio.CancelledError):
        await second
    go_on.set()
    await chat
    assert (await recorder.end()).status == "completed"

    go_on.clear()
    alone = asyncio.create_task(downloaded.verify())
    await asyncio.sleep(0)
    alone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await alone
    go_on.set()
    assert (await recorder.end()).kind == "cancelled"
    assert downloaded.status().state == "ready"


async def test_what_is_not_on_disk_cannot_be_verified(models: Models, hub: Hub) -> None:
    with pytest.raises(ModelNotReady):
        await models.verify()
    hub.rate = WEIGHTS / 5
    await models.download()
    with pytest.raises(ModelInUse):
        await models.verify()
    await models.cancel_download()


async def test_a_deleted_model_leaves_nothing_and_can_be_downloaded_again(
    downloaded: Models, recorder: Recorder, root: Path
) -> None:
    status = await downloaded.delete()
    assert (status.state, status.downloaded_bytes) == ("absent", 0)
    assert not left(root)
    await downloaded.download()
    assert (await recorder.end()).status == "completed"


async def test_parts_of_a_download_that_was_given_up_are_deleted_too(
    models: Models, recorder: Recorder, hub: Hub, root: Path
) -> None:
    hub.rate = WEIGHTS / 5
    await models.download()
    await asyncio.to_thread(hub.wait_until, lambda: sum(request.sent for request in hub.log) > 100_000)
    with pytest.raises(ModelInUse) as caught:
        await models.delete()
    assert caught.value.details["reason"] == "downloading"
    await models.cancel_download()
    assert models.status().downloaded_bytes > 0
    await models.delete()
    assert not left(root)


async def test_deleting_twice_changes_nothing_and_an_unknown_model_is_not_found(downloaded: Models) -> None:
    await downloaded.delete()
    assert (await downloaded.delete()).state == "absent"
    with pytest.raises(ModelNotFound):
        await downloaded.delete("huge")


async def test_other_models_stay_when_one_is_deleted(
    root: Path, model: BuiltinModel, recorder: Recorder, hub: Hub
) -> None:
    other = BuiltinModel("other", "knowledge-focus/other", "Other", ("text",), (hub.url,))
    models = Models(root=root, catalog=Catalog((model, other)), notify=recorder, limits=LIMITS)
    await models.download("tiny")
    await recorder.end()
    await models.delete("other")
    assert models.is_model_downloaded("tiny")
