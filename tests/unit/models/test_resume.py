"""Downloads that were interrupted: by a cancel, a broken connection, a kill; and what is fetched again."""

import asyncio
import logging
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.errors import Cancelled, ModelNotReady
from sidecar.models import BuiltinModel, Catalog, Models
from sidecar.models.status import ModelStatus
from tests.hub import Hub, faults
from tests.hub.reply import Reply
from tests.unit.models.conftest import LIMITS, PATIENCE, REPOSITORY, WEIGHTS, Recorder, failure

CHILD = """
import asyncio, sys
from pathlib import Path
from sidecar.models import BuiltinModel, Catalog, Models

async def main() -> None:
    model = BuiltinModel("tiny", "knowledge-focus/tiny", "Tiny", ("text",), (sys.argv[1],))
    await Models(root=Path(sys.argv[2]), catalog=Catalog((model,)), notify=lambda event: None).download()
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def sent(hub: Hub, size: int) -> None:
    """Wait until the hub has sent that many bytes of the weights."""
    await asyncio.to_thread(
        hub.wait_until, lambda: sum(r.sent for r in hub.log if r.file == "model.safetensors") >= size, PATIENCE
    )


def found(folder: Path, pattern: str) -> list[Path]:
    return list(folder.rglob(pattern))


def part_of_weights(root: Path) -> Path:
    (part,) = (part for part in root.rglob("*.part") if part.stat().st_size > 1000)
    return part


async def cancelled_after(count: int, models: Models, recorder: Recorder, hub: Hub) -> None:
    """A download of the weights that was cancelled when `count` bytes of them were sent."""
    hub.rate = WEIGHTS / 5
    await models.download()
    await sent(hub, count)
    await models.cancel_download()
    await recorder.end()


async def test_after_a_cancel_and_a_restart_the_status_tells_the_mirror_until_the_model_is_whole(
    models: Models, recorder: Recorder, hub: Hub, root: Path, model: BuiltinModel
) -> None:
    elsewhere = replace(model, mirrors=("https://mirror.example", hub.url))
    again = Models(root=root, catalog=Catalog((elsewhere,)), notify=recorder, limits=LIMITS)
    assert again.status().mirror is None
    await cancelled_after(200_000, models, recorder, hub)
    assert (models.status().state, models.status().mirror) == ("partial", hub.url)
    assert (again.status().state, again.status().mirror) == ("partial", hub.url)
    hub.rate = None
    await again.download(mirror=again.status().mirror)
    await recorder.end()
    assert (again.status().state, again.status().mirror) == ("ready", None)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"], ids=["silent", "stalled"])
async def test_a_cancel_cuts_the_connection_that_it_finds(
    root: Path, model: BuiltinModel, recorder: Recorder, answer: bytes
) -> None:
    asked, cut = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        asked.set()
        assert await reader.read() == b""
        cut.set()
        writer.close()

    models = Models(root=root, catalog=Catalog((model,)), notify=recorder, limits=replace(LIMITS, stall_seconds=60))
    mirror = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with mirror, asyncio.timeout(PATIENCE):
        await models.download(mirror=f"http://127.0.0.1:{mirror.sockets[0].getsockname()[1]}")
        await asked.wait()
        await models.cancel_download()
        assert (await recorder.end()).kind == "cancelled"
        await cut.wait()


async def test_a_download_right_after_a_cancel_begins_when_the_cancelled_one_has_ended(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    hub.rate = WEIGHTS / 5
    await models.download()
    await sent(hub, 200_000)
    hub.rate = None
    _, status, joined = await asyncio.gather(models.cancel_download(), models.download(), models.download())
    assert status.state == joined.state == "downloading"
    await recorder.wait_for(lambda event: event.name.endswith("-completed"))
    ends = [event.kind for event in recorder.events if event.name.endswith(("-completed", "-failed"))]
    assert ends == ["cancelled", None]


async def test_a_download_that_was_cancelled_before_it_began_does_not_begin(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    hub.rate = WEIGHTS / 5
    await models.download()
    await sent(hub, 200_000)
    _, refused, status = await asyncio.gather(
        models.cancel_download(), models.download(), models.cancel_download(), return_exceptions=True
    )
    assert isinstance(refused, Cancelled)
    assert isinstance(status, ModelStatus)
    assert models.status().state == status.state == "partial"


async def test_a_cancel_without_a_download_changes_nothing(models: Models, recorder: Recorder) -> None:
    assert (await models.cancel_download()).state == "absent"
    assert not recorder.events


async def test_after_a_cancel_only_the_missing_bytes_are_fetched(
    models: Models, recorder: Recorder, hub: Hub, root: Path
) -> None:
    await cancelled_after(500_000, models, recorder, hub)
    kept = part_of_weights(root).stat().st_size
    first_run = len(hub.log)

    hub.rate = None
    await models.download()
    first = await recorder.wait_for(lambda event: True)
    assert first.downloaded_bytes >= kept
    assert (await recorder.end()).status == "completed"
    again = hub.log[first_run:]
    assert [(r.endpoint, r.file, r.headers.get("range")) for r in again if r.file == "model.safetensors"] == [
        ("get", "model.safetensors", f"bytes={kept}-")
    ]
    assert sum(r.sent for r in again) <= WEIGHTS - kept + 100


async def test_a_killed_download_goes_on_in_the_next_process(
    models: Models, recorder: Recorder, hub: Hub, root: Path
) -> None:
    hub.rate = WEIGHTS / 5
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, hub.url, str(root), cwd=Path(__file__).parents[3]
    )
    try:
        await sent(hub, 500_000)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()
    kept = part_of_weights(root).stat().st_size
    assert kept > 300_000
    assert models.status().state == "partial"
    assert models.status().downloaded_bytes >= kept

    hub.rate = None
    first_run = len(hub.log)
    await models.download()
    assert (await recorder.end()).status == "completed"
    again = hub.log[first_run:]
    assert {r.endpoint for r in again} == {"get"}  # The revision and the list are recorded.
    (weights,) = (r for r in again if r.file == "model.safetensors")
    assert weights.headers["range"] == f"bytes={kept}-"
    assert weights.sent == WEIGHTS - kept
    assert not {r.file for r in again} & {"config.json", "tokenizer.json"}
    assert not found(root, "*.part")


async def test_a_resumed_download_keeps_its_revision_when_the_hub_has_a_newer_one(
    models: Models, recorder: Recorder, hub: Hub, folder: Path
) -> None:
    revision = hub.repositories[REPOSITORY].main.revision
    await cancelled_after(200_000, models, recorder, hub)

    hub.rate = None
    (folder / "generation_config.json").write_text("{}")
    hub.repositories[REPOSITORY].publish(folder)
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert models.get_model_path().name == revision
    assert not (models.get_model_path() / "generation_config.json").exists()


async def test_another_mirror_goes_on_with_what_the_first_one_sent(
    models: Models, recorder: Recorder, hub: Hub, folder: Path, root: Path
) -> None:
    hub.fault(faults.stall(after=1_000_000), on="get", path="model.safetensors", times=1)
    await models.download()
    await sent(hub, 1_000_000)
    hub.fault(faults.no_answer(), on="get", path="model.safetensors")
    assert (await recorder.end()).kind == "mirror_unreachable"
    kept = part_of_weights(root).stat().st_size
    with Hub({REPOSITORY: folder}) as other:
        await models.download(mirror=other.url)
        assert (await recorder.end()).status == "completed"
        (weights,) = other.requests("get", "model.safetensors")
        assert weights.sent == WEIGHTS - kept


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_a_connection_that_is_cut_is_taken_up_where_it_broke(
    models: Models, recorder: Recorder, hub: Hub, reset: bool
) -> None:
    hub.fault(faults.cut(after=700_000, reset=reset), on="get", path="model.safetensors", times=2)
    await models.download()
    assert (await recorder.end()).status == "completed"
    requests = hub.requests("get", "model.safetensors")
    assert len(requests) == 3
    assert requests[0].headers.get("range") is None
    assert all("range" in request.headers for request in requests[1:])
    if not reset:  # A reset may throw away what was under way.
        assert sum(request.sent for request in requests) == WEIGHTS


async def test_a_mirror_that_falls_silent_is_asked_again_for_the_rest(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    hub.fault(faults.stall(after=700_000), on="get", path="model.safetensors", times=2)
    await models.download()
    assert (await recorder.end()).status == "completed"
    requests = hub.requests("get", "model.safetensors")
    assert [request.headers.get("range") for request in requests] == [None, "bytes=700000-", "bytes=1400000-"]


async def test_many_cuts_are_survived_while_each_try_brings_something(
    root: Path, model: BuiltinModel, recorder: Recorder, hub: Hub
) -> None:
    # On a busy machine nothing may come for a while: that would be a cut of its own.
    limits = replace(LIMITS, stall_seconds=PATIENCE)
    models = Models(root=root, catalog=Catalog((model,)), notify=recorder, limits=limits)
    hub.fault(faults.cut(after=400_000), on="get", path="model.safetensors")
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert len(hub.requests("get", "model.safetensors")) == 8


@pytest.mark.parametrize("length", ["said", "unsaid"])
@pytest.mark.parametrize(
    ("fault", "answers"),
    [
        (faults.ignore_range(), [200, 200]),
        (faults.shifted_range(by=1000), [200, 206, 200]),
        (faults.refuse_range(), [200, 416, 200]),
    ],
    ids=["whole", "shifted", "refused"],
)
async def test_a_mirror_that_does_not_resume_sends_the_file_again_from_its_start(
    models: Models,
    recorder: Recorder,
    hub: Hub,
    fault: faults.Fault,
    answers: list[int],
    length: str,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    if length == "unsaid":
        hub.fault(faults.chunked(), on="get", path="model.safetensors")
    hub.fault(fault, on="get", path="model.safetensors")  # Each of them touches answers to ranges only.
    hub.fault(faults.cut(after=700_000), on="get", path="model.safetensors", times=1)
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert [request.status for request in hub.requests("get", "model.safetensors")] == answers
    assert (models.get_model_path() / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert caplog.text.count("model.safetensors comes from its start again: the mirror does not resume it") == 1


async def test_what_is_here_outlives_mirrors_that_send_the_file_from_its_start_and_break_off_earlier(
    models: Models, recorder: Recorder, hub: Hub, root: Path
) -> None:
    await cancelled_after(1_000_000, models, recorder, hub)
    hub.rate = None
    before = part_of_weights(root).read_bytes()
    hub.fault(faults.ignore_range(), on="get", path="model.safetensors")
    hub.fault(faults.cut(after=700_000), on="get", path="model.safetensors")
    failed = await failure(models, recorder)
    assert part_of_weights(root).read_bytes() == before
    assert failed.downloaded_bytes >= len(before)
    hub.heal()
    asked = len(hub.requests("get", "model.safetensors"))
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert hub.requests("get", "model.safetensors")[asked].headers["range"] == f"bytes={len(before)}-"


@pytest.mark.parametrize(
    "fault",
    [
        lambda _: Reply(200, {"Content-Type": "application/json"}, b'{"login": "please"}', chunked=True),
        lambda _: Reply(200, {"Content-Type": "application/json"}, b'{"login": "please"}'),
        faults.status(416),
        lambda _: Reply(206, {"Content-Range": f"bytes 5-{WEIGHTS - 1}/{WEIGHTS}"}, b"please log in"),
        lambda _: Reply(206, {"Content-Range": f"bytes 0-{WEIGHTS - 1}/*"}, b"please log in"),
        faults.html(),
    ],
    ids=["chunked", "short", "416", "elsewhere", "of any size", "page"],
)
async def test_what_is_not_the_file_never_takes_the_place_of_what_is_here(
    models: Models, recorder: Recorder, hub: Hub, root: Path, folder: Path, fault: faults.Fault
) -> None:
    await cancelled_after(600_000, models, recorder, hub)
    hub.rate = None
    before = part_of_weights(root).read_bytes()
    with Hub({REPOSITORY: folder}) as portal:
        portal.fault(fault, on="get", path="model.safetensors")
        failed = await failure(models, recorder, portal.url)
    # A page of unsaid length that ends may as well be a file that was cut.
    assert failed.kind in ("mirror_invalid", "file_damaged", "mirror_unreachable")
    assert part_of_weights(root).read_bytes() == before
    asked = len(hub.requests("get", "model.safetensors"))
    await models.download()
    assert (await recorder.end()).status == "completed"
    (request,) = hub.requests("get", "model.safetensors")[asked:]
    assert request.headers["range"] == f"bytes={len(before)}-"


async def test_a_part_that_is_longer_than_the_file_starts_again(
    models: Models, recorder: Recorder, hub: Hub, root: Path
) -> None:
    digest = hub.repositories[REPOSITORY].main.files["model.safetensors"].sha256
    parts = root / "models--knowledge-focus--tiny" / "parts"
    parts.mkdir(parents=True)
    (parts / f"{digest}.part").write_bytes(b"\0" * (WEIGHTS + 1))
    await models.download()
    assert (await recorder.end()).status == "completed"


async def test_a_part_that_was_damaged_on_disk_is_fetched_again(
    models: Models, recorder: Recorder, hub: Hub, root: Path
) -> None:
    await cancelled_after(500_000, models, recorder, hub)
    with part_of_weights(root).open("r+b") as part:
        part.write(b"damaged")
    hub.rate = None
    await models.download()
    assert (await recorder.end()).status == "completed"


async def test_a_file_lost_later_makes_the_model_damaged_and_alone_is_fetched_again(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    await models.download()
    await recorder.end()
    (models.get_model_path() / "config.json").resolve().unlink()
    status = models.status()
    assert (status.state, status.kind, status.damaged_files) == ("damaged", "file_damaged", ("config.json",))
    assert not models.is_model_downloaded()

    first_run = len(hub.log)
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert [(r.endpoint, r.file) for r in hub.log[first_run:]] == [("get", "config.json")]
    assert models.status().state == "ready"


async def test_verifying_finds_damage_of_the_same_size_and_it_alone_is_fetched_again(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    await models.download()
    await recorder.end()
    await models.find_damage()
    assert models.status().state == "ready"
    with (models.get_model_path() / "model.safetensors").open("r+b") as weights:
        weights.write(b"damaged")
    assert models.status().state == "ready"

    checks = await asyncio.gather(models.find_damage(), models.find_damage(), return_exceptions=True)
    found = [error.details["files"] for error in checks if isinstance(error, ModelNotReady)]
    assert found == [["model.safetensors"], ["model.safetensors"]]
    status = models.status()
    assert (status.state, status.kind, status.damaged_files) == ("damaged", "file_damaged", ("model.safetensors",))

    first_run = len(hub.log)
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert [(r.endpoint, r.file) for r in hub.log[first_run:]] == [("get", "model.safetensors")]
    await models.find_damage()


async def test_blobs_without_a_record_are_verified_before_they_count(
    models: Models, recorder: Recorder, hub: Hub, root: Path
) -> None:
    digest = hub.repositories[REPOSITORY].main.files["model.safetensors"].sha256
    blobs = root / "models--knowledge-focus--tiny" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / digest).write_bytes(b"\0" * WEIGHTS)  # The right name and size, and nothing else.
    assert models.status().state == "absent"
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert hub.requests("get", "model.safetensors")[0].sent == WEIGHTS


async def test_a_process_that_closes_stops_its_downloads(
    model: BuiltinModel, root: Path, hub: Hub, recorder: Recorder
) -> None:
    hub.rate = WEIGHTS / 5
    models = Models(root=root, catalog=Catalog((model,)), notify=recorder, limits=replace(LIMITS, stall_seconds=10))
    await models.download()
    await sent(hub, 100_000)
    await models.close()
    assert recorder.events[-1].kind == "cancelled"
    assert models.status().state == "partial"
