"""A download whose process is killed again and again: it gets there, and fetches hardly more than it must."""

import contextlib
import hashlib
import random
import signal
from pathlib import Path

import pytest

from tests.hub import Hub, write_catalog
from tests.pipe import Pipe
from tests.rpc.asking import REPOSITORY

SIZES = (20_000_000, 12_000_000, 10_000_000, 8_000_000, 5_000_000, 3_000_000, 1_900_000, 100_000)  # bytes; 60 MB
KILLS = 30
IN_FLIGHT = 4  # files
FETCHED_AGAIN = 2**20  # bytes at most of a file in flight, after each kill
RATE = 8_000_000  # bytes a second of each answer: a kill comes within half a megabyte of where it was meant


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """A hub with eight files."""
    folder = tmp_path / "repository"
    folder.mkdir()
    rng = random.Random(5)
    for number, size in enumerate(SIZES[:-1]):
        (folder / f"model-{number}.safetensors").write_bytes(rng.randbytes(size))
    (folder / "config.json").write_bytes(b"{}" + b" " * (SIZES[-1] - 2))
    return Hub({REPOSITORY: folder}, rate=RATE)


@pytest.mark.timeout(600)  # It takes half a minute; a machine that does other things meanwhile may be slow.
def test_a_download_that_is_killed_thirty_times_ends_whole_and_fetches_little_twice(
    hub: Hub, tmp_path: Path, data_dir: Path
) -> None:
    folder = hub.folders[REPOSITORY]
    catalog = write_catalog(tmp_path / "catalog.json", hub.url, folder)
    moments = sorted(random.Random(30).sample(range(int(sum(SIZES) * 0.9)), KILLS))  # bytes served until then
    # As installed, also where this shell asks Python to keep no byte code: or 30 starts would compile it all.
    environment = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path / "byte code")}
    content = {digest(path): path.name for path in folder.iterdir()}
    here, continued = dict.fromkeys(content.values(), 0), 0
    with hub:
        for moment in moments:
            asked, before = len(hub.log), served(hub)
            with Pipe.sidecar(data_dir, catalog, env=environment) as pipe:
                pipe.initialize()
                assert pipe.request("models/download")["state"] == "downloading"
                hub.wait_until(lambda moment=moment: served(hub) >= moment, timeout=60)  # type: ignore[misc]
                pipe.process.kill()
                pipe.wait_for_end()
                assert not [m for m in pipe.kept() if m.get("method") == "builtin-model-download-completed"]
            for file, start in first_bytes(hub, asked).items():
                assert start == here[file]  # not one byte that is on the disk is fetched again
                continued += start > 0
            was, here = sum(here.values()), on_disk(data_dir, content)
            assert served(hub) - before - (sum(here.values()) - was) <= IN_FLIGHT * FETCHED_AGAIN
        hub.rate = None
        with Pipe.sidecar(data_dir, catalog, env=environment) as pipe:
            pipe.initialize()
            pipe.request("models/download")
            pipe.notification("builtin-model-download-completed", timeout=60)

    assert continued >= KILLS
    arrived = {path.name: sha256(path) for path in data_dir.glob("builtin_models/*/snapshots/*/*")}
    assert arrived == {path.name: sha256(path) for path in folder.iterdir()}
    assert not list(data_dir.rglob("*.part"))
    again = served(hub) - sum(SIZES)
    assert 0 <= again <= KILLS * IN_FLIGHT * FETCHED_AGAIN


def test_a_download_that_gets_no_processor_before_it_is_killed_fetches_little_twice(
    hub: Hub, tmp_path: Path, data_dir: Path
) -> None:
    folder = hub.folders[REPOSITORY]
    content = {digest(path): path.name for path in folder.iterdir()}
    hub.rate = None  # as fast as it goes, so that the system holds all that it would
    with hub, Pipe.sidecar(data_dir, write_catalog(tmp_path / "catalog.json", hub.url, folder)) as pipe:
        pipe.initialize()
        pipe.request("models/download")
        hub.wait_until(lambda: served(hub) >= 8_000_000, timeout=60)
        pipe.process.send_signal(signal.SIGSTOP)
        taken = -1
        while taken != (taken := served(hub)):
            with contextlib.suppress(TimeoutError):  # until the system takes nothing more for it
                hub.wait_until(lambda taken=taken: served(hub) > taken, timeout=0.5)  # type: ignore[misc]
        pipe.process.kill()
        pipe.wait_for_end()
        here = sum(on_disk(data_dir, content).values())
        assert here < sum(SIZES)
        assert served(hub) - here <= IN_FLIGHT * FETCHED_AGAIN


def first_bytes(hub: Hub, asked: int) -> dict[str, int]:
    """Of each file that was asked for since: at which byte first."""
    starts: dict[str, int] = {}
    for request in hub.log[asked:]:
        if request.endpoint == "get":
            span = request.headers.get("range", "bytes=0-")
            starts.setdefault(request.file, int(span.removeprefix("bytes=").partition("-")[0]))
    return starts


def on_disk(data_dir: Path, content: dict[str, str]) -> dict[str, int]:
    """How many bytes of each file are there, whole ones among them."""
    (repository,) = (data_dir / "builtin_models").glob("models--*")
    paths = [*repository.glob("parts/*.part"), *repository.glob("blobs/*")]
    return dict.fromkeys(content.values(), 0) | {
        content[path.name.removesuffix(".part")]: path.stat().st_size for path in paths
    }


def digest(path: Path) -> str:
    """What the file's content is called on the disk: its SHA-256 if it is a large one, else that of git."""
    data = path.read_bytes()
    if path.suffix == ".safetensors":
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def served(hub: Hub) -> int:
    """Bytes of files that left the hub."""
    return sum(request.sent for request in hub.log if request.endpoint == "get")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
