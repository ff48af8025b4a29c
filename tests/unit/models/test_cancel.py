"""A cancel answers within half a second, whatever it finds being done."""

import asyncio
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path

import pytest

from sidecar.errors import Cancelled, ModelInUse
from sidecar.models import BuiltinModel, Catalog, Models, jobs, snapshot_import
from sidecar.models.cache import RepositoryCache
from sidecar.models.import_source import SourceFile
from sidecar.models.manifest import Manifest, RepositoryFile
from sidecar.models.progress import Progress
from sidecar.models.status import ModelStatus
from sidecar.models.stop import Stop
from sidecar.models.verify import Digest, has_digest
from tests.hub import Hub, faults
from tests.unit.models.conftest import LIMITS, PATIENCE, REPOSITORY, WEIGHTS, Recorder

AT_ONCE = 0.5  # seconds
ENDLESS = 64 * 10**9  # bytes of a file with nothing in it: more than can be read while the test lasts
PATIENT = replace(LIMITS, connect_seconds=60, stall_seconds=60)  # Nothing ends by itself.


@dataclass
class Stage:
    """What a test needs to begin something and to know that it has come to where it lasts."""

    models: Models
    model: BuiltinModel
    hub: Hub
    recorder: Recorder
    root: Path
    tmp_path: Path
    monkeypatch: pytest.MonkeyPatch
    released: threading.Event
    sockets: ExitStack
    checking: asyncio.Task[ModelStatus] | None = None  # who waits for a check; a task that nobody holds may vanish

    def with_model(self, model: BuiltinModel) -> None:
        self.models = Models(root=self.root, catalog=Catalog((model,)), notify=self.recorder, limits=PATIENT)

    async def hub_says(self, condition: Callable[[], bool]) -> None:
        await asyncio.to_thread(self.hub.wait_until, condition, PATIENCE)

    def worked(self) -> threading.Event:
        """Set when the first bytes of what begins next were done."""
        worked, received = threading.Event(), Progress.received

        def noted(progress: Progress, file: str, size: int) -> None:
            received(progress, file, size)
            worked.set()

        self.monkeypatch.setattr(Progress, "received", noted)
        return worked

    def blocking(self, reached: threading.Event) -> None:
        """Be what does not come back before the test is over."""
        reached.set()
        self.released.wait(2 * PATIENCE)


@pytest.fixture
def stage(
    root: Path, model: BuiltinModel, hub: Hub, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    models = Models(root=root, catalog=Catalog((model,)), notify=recorder, limits=PATIENT)
    released = threading.Event()
    with ExitStack() as sockets:
        yield Stage(models, model, hub, recorder, root, tmp_path, monkeypatch, released, sockets)
        released.set()


async def looking_a_name_up(stage: Stage) -> None:
    asked, look_up = threading.Event(), socket.getaddrinfo

    def slow(host: str, *rest: object, **options: object) -> object:
        if host == "mirror.example":
            stage.blocking(asked)
        return look_up(host, *rest, **options)  # type: ignore[arg-type]

    stage.monkeypatch.setattr(socket, "getaddrinfo", slow)
    await stage.models.download(mirror="https://mirror.example")
    assert await asyncio.to_thread(asked.wait, PATIENCE)


async def connecting(stage: Stage) -> None:
    full = stage.sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(4):  # Those beyond the queue are dropped, as by a firewall.
        waiting = stage.sockets.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(full.getsockname())
    begun, connect = threading.Event(), socket.create_connection

    def noted(address: tuple[str, int], *rest: object, **options: object) -> object:
        begun.set()
        return connect(address, *rest, **options)  # type: ignore[arg-type]

    stage.monkeypatch.setattr(socket, "create_connection", noted)
    await stage.models.download(mirror=f"http://127.0.0.1:{full.getsockname()[1]}")
    assert await asyncio.to_thread(begun.wait, PATIENCE)


async def waiting_for_an_answer(stage: Stage) -> None:
    stage.hub.fault(faults.no_answer(), on="info")
    await stage.models.download()
    await stage.hub_says(lambda: len(stage.hub.log) == 1)


async def waiting_for_the_rest_of_a_list(stage: Stage) -> None:
    stage.hub.fault(faults.stall(after=10), on="tree")
    await stage.models.download()
    await stage.hub_says(lambda: any(r.endpoint == "tree" and r.sent == 10 for r in stage.hub.log))


async def waiting_for_the_rest_of_a_file(stage: Stage) -> None:
    stage.hub.fault(faults.stall(after=1_000_000), on="get", path="model.safetensors")
    await stage.models.download()
    await stage.hub_says(lambda: any(r.sent == 1_000_000 for r in stage.hub.log))


async def receiving(stage: Stage) -> None:
    stage.hub.rate = WEIGHTS / 60
    await stage.models.download()
    await stage.hub_says(lambda: sum(r.sent for r in stage.hub.log if r.endpoint == "get") > 100_000)


def blob_of_nothing() -> RepositoryFile:
    return RepositoryFile("model.safetensors", ENDLESS, Digest("sha256", "0" * 64))


async def hashing_a_part(stage: Stage) -> None:
    file, cache = blob_of_nothing(), RepositoryCache(stage.root, REPOSITORY)
    stage.with_model(replace(stage.model, revision="0" * 40, files=(file,)))
    cache.prepare()
    cache.part(file.digest).touch()
    os.truncate(cache.part(file.digest), ENDLESS - 1)
    await stage.models.download()
    # The second event comes a second after the first.
    await stage.recorder.wait_for(lambda event: len(stage.recorder.progress) == 2)
    assert not stage.hub.log


async def looking_at_a_file_on_a_disk_that_hangs(stage: Stage) -> None:
    asked = threading.Event()

    def hanging(path: Path, size: int, digest: Digest, stop: Stop) -> bool:
        stage.blocking(asked)
        return has_digest(path, size, digest, stop)

    stage.monkeypatch.setattr("sidecar.models.download.has_digest", hanging)
    file, cache = replace(blob_of_nothing(), size=WEIGHTS), RepositoryCache(stage.root, REPOSITORY)
    stage.with_model(replace(stage.model, revision="0" * 40, files=(file,)))
    cache.prepare()
    cache.blob(file.digest).write_bytes(b"rotten")
    await stage.models.download()
    assert await asyncio.to_thread(asked.wait, PATIENCE)


async def flushing_a_file(stage: Stage) -> None:
    slow_disk = _slow_disk(stage)
    await stage.models.download()
    assert await asyncio.to_thread(slow_disk.wait, PATIENCE)


def _source(stage: Stage, size: int) -> Path:
    """A folder with a model whose weights have `size` bytes, all of them zero."""
    source = stage.tmp_path / "source"
    source.mkdir()
    for name, content in {
        "config.json": {"model_type": "qwen3_vl"},
        "tokenizer.json": {},
        "tokenizer_config.json": {},
        "preprocessor_config.json": {},
        "chat_template.json": {},
    }.items():
        (source / name).write_text(json.dumps(content))
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    (source / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    os.truncate(source / "model.safetensors", 8 + len(header) + size)
    return source


async def copying_an_import(stage: Stage) -> None:
    copied = stage.worked()
    await stage.models.import_folder(str(_source(stage, 500_000_000)))
    assert await asyncio.to_thread(copied.wait, PATIENCE)


async def copying_from_a_disk_that_hangs(stage: Stage) -> None:
    asked, read = threading.Event(), snapshot_import._read

    def hanging(source: FileIO, file: SourceFile) -> bytes:
        if file.name == "model.safetensors" and not stage.released.is_set():
            stage.blocking(asked)
        return read(source, file)

    stage.monkeypatch.setattr(snapshot_import, "_read", hanging)
    await stage.models.import_folder(str(_source(stage, WEIGHTS)))
    assert await asyncio.to_thread(asked.wait, PATIENCE)


async def flushing_an_import(stage: Stage) -> None:
    slow_disk = _slow_disk(stage)
    await stage.models.import_folder(str(_source(stage, WEIGHTS)))
    assert await asyncio.to_thread(slow_disk.wait, PATIENCE)


def _slow_disk(stage: Stage) -> threading.Event:
    """Have no flush of anything large come to its end; the event is set when one is tried."""
    reached, flush = threading.Event(), os.fsync

    def slow(descriptor: int) -> None:
        with suppress(OSError):
            if os.fstat(descriptor).st_size >= WEIGHTS:
                stage.blocking(reached)
        flush(descriptor)

    stage.monkeypatch.setattr(os, "fsync", slow)
    return reached


async def verifying(stage: Stage) -> None:
    file, cache = blob_of_nothing(), RepositoryCache(stage.root, REPOSITORY)
    cache.prepare()
    cache.blob(file.digest).touch()
    os.truncate(cache.blob(file.digest), ENDLESS)
    cache.finish(Manifest(REPOSITORY, "0" * 40, (file,)))
    read = stage.worked()
    stage.checking = asyncio.create_task(stage.models.verify())
    assert await asyncio.to_thread(read.wait, PATIENCE)


@pytest.mark.parametrize(
    ("begin", "after"),
    [
        (looking_a_name_up, "absent"),
        (connecting, "absent"),
        (waiting_for_an_answer, "absent"),
        (waiting_for_the_rest_of_a_list, "absent"),
        (waiting_for_the_rest_of_a_file, "partial"),
        (receiving, "partial"),
        (hashing_a_part, "partial"),
        (looking_at_a_file_on_a_disk_that_hangs, "partial"),
        (flushing_a_file, "partial"),
        (copying_an_import, "absent"),
        (copying_from_a_disk_that_hangs, "absent"),
        (flushing_an_import, "absent"),
        (verifying, "ready"),
    ],
    ids=lambda value: value.__name__ if callable(value) else value,
)
async def test_a_cancel_answers_at_once(
    stage: Stage, begin: Callable[[Stage], Coroutine[None, None, None]], after: str
) -> None:
    await begin(stage)
    since = time.monotonic()
    status = await stage.models.cancel_download()
    assert time.monotonic() - since <= AT_ONCE
    assert (status.state, status.kind) == (after, None)
    end = await stage.recorder.end()
    assert (end.name, end.status, end.kind) == ("builtin-model-download-failed", "failed", "cancelled")


async def test_a_cancel_gives_up_the_look_at_a_folder_on_a_disk_that_does_not_answer(stage: Stage) -> None:
    hanging, other = _source(stage, WEIGHTS), stage.tmp_path / "other"
    shutil.copytree(hanging, other)
    asked, look = threading.Event(), os.scandir

    def slow(folder: Path) -> object:
        if folder == hanging:
            stage.blocking(asked)
        return look(folder)

    stage.monkeypatch.setattr(os, "scandir", slow)
    async with asyncio.timeout(PATIENCE):
        both = [asyncio.create_task(stage.models.import_folder(str(hanging))) for _ in range(2)]
        assert await asyncio.to_thread(asked.wait, PATIENCE)
        since = time.monotonic()
        assert (await stage.models.cancel_download()).state == "absent"
        assert time.monotonic() - since <= AT_ONCE
        ends = await asyncio.gather(*both, return_exceptions=True)
        assert time.monotonic() - since <= AT_ONCE
    assert [type(end) for end in ends] == [Cancelled, Cancelled]

    # The model is free for something else, and what the disk says at last is nobody's.
    stage.models.refuse_if_busy()
    assert (await stage.models.import_folder(str(other))).activity == "importing"
    stage.released.set()
    assert (await stage.recorder.end()).status == "completed"
    stage.models.refuse_if_busy()


async def test_a_download_begins_when_an_import_was_cancelled_whose_disk_still_hangs(stage: Stage) -> None:
    await copying_from_a_disk_that_hangs(stage)
    _, status = await asyncio.gather(stage.models.cancel_download(), stage.models.download())
    assert (status.activity, status.mirror) == ("downloading", stage.hub.url)
    await stage.recorder.wait_for(lambda event: event.name.endswith("-completed"))
    path = stage.models.get_model_path()
    assert (path / "model.safetensors").stat().st_size == WEIGHTS
    # What comes back at last leaves everything as it is.
    transfers = [thread for thread in threading.enumerate() if thread.name == "builtin-model-transfer"]
    assert transfers
    stage.released.set()
    for thread in transfers:
        await asyncio.to_thread(thread.join, PATIENCE)
    assert stage.models.get_model_path() == path
    assert not list(stage.root.rglob("*.copy"))


async def test_a_check_that_was_cancelled_while_its_disk_hangs_leaves_the_model_free_and_as_it_is(stage: Stage) -> None:
    await stage.models.download()
    await stage.recorder.end()
    asked = threading.Event()
    stage.monkeypatch.setattr(Progress, "received", lambda *_: stage.blocking(asked))
    stage.checking = asyncio.create_task(stage.models.verify())
    assert await asyncio.to_thread(asked.wait, PATIENCE)
    since = time.monotonic()
    status = await stage.models.cancel_download()
    assert time.monotonic() - since <= AT_ONCE
    assert (status.state, status.activity) == ("ready", None)
    await stage.checking
    stage.models.refuse_if_busy()
    stage.released.set()
    assert (await stage.models.verify()).state == "ready"


async def test_what_was_cancelled_and_hangs_is_not_told_as_going_on_nor_joined(stage: Stage) -> None:
    asked = threading.Event()
    stage.monkeypatch.setattr(RepositoryCache, "prepare", lambda _: stage.blocking(asked))
    stage.monkeypatch.setattr(jobs, "END_SECONDS", 0.1)
    await stage.models.download()
    assert await asyncio.to_thread(asked.wait, PATIENCE)
    since = time.monotonic()
    status = await stage.models.cancel_download()
    assert time.monotonic() - since <= AT_ONCE
    assert (status.state, status.activity) == ("absent", None)
    with pytest.raises(ModelInUse) as caught:
        await stage.models.download()
    assert caught.value.details["reason"] == "downloading"
    stage.released.set()
    await stage.recorder.end()
