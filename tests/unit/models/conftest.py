"""A hub with a small repository, and models below a fresh folder, with their events."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sidecar.models import BuiltinModel, Catalog, DownloadEvent, Models, NetworkLimits
from sidecar.models.network import has_route
from tests.hub import Hub

REPOSITORY = "knowledge-focus/tiny"
WEIGHTS = 3_000_000  # bytes; some fifty pieces of the hub
UNREACHABLE = "mirror_unreachable" if has_route() else "no_network"
"""What a host elsewhere is that does not answer; these tests run without a network too."""
PATIENCE = 60  # seconds that a test waits for anything: a busy machine is slow, and a hang still fails its test

# Three tries, as people have them, but without the waits between, a stall of half a second, and no outage outlasted.
LIMITS = NetworkLimits(connect_seconds=2, stall_seconds=0.5, first_wait=0.01, longest_wait=0.05, outage_seconds=0)


@dataclass
class Recorder:
    """The events of a download, in order."""

    events: list[DownloadEvent] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: DownloadEvent) -> None:
        self.events.append(event)
        self.times.append(asyncio.get_running_loop().time())
        self._changed.set()

    async def wait_for(self, condition: Callable[[DownloadEvent], bool]) -> DownloadEvent:
        """The first event for which `condition` is true; fails after `PATIENCE`."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self._changed.clear()
                for event in self.events:
                    if condition(event):
                        return event
                await self._changed.wait()

    async def end(self) -> DownloadEvent:
        """The `-completed` or `-failed` event, taken off together with all before it."""
        last = await self.wait_for(lambda event: event.name.endswith(("-completed", "-failed")))
        self.events.clear()
        self.times.clear()
        return last

    @property
    def progress(self) -> list[DownloadEvent]:
        """The events of progress."""
        return [event for event in self.events if event.name.endswith("-progress")]


async def failure(models: Models, recorder: Recorder, mirror: str | None = None) -> DownloadEvent:
    """Download, and answer the event of its failure."""
    await models.download(mirror=mirror)
    failed = await recorder.end()
    assert (failed.name, failed.status) == ("builtin-model-download-failed", "failed")
    assert failed.progress < 100
    assert not models.is_model_downloaded()
    status = models.status()
    assert (status.state, status.kind) == ("failed", failed.kind)
    return failed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository like a real one: what a model needs, nested, empty and equal files, and what is never fetched."""
    folder = tmp_path / "repository"
    (folder / "sub").mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "qwen3_vl"}')
    (folder / "tokenizer.json").write_text("[1, 2, 3]")
    (folder / "sub" / "copy_of_tokenizer.json").write_text("[1, 2, 3]")
    (folder / "merges.txt").write_text("")
    (folder / "README.md").write_text("# A model\n")
    (folder / "model.safetensors").write_bytes(random.Random(7).randbytes(WEIGHTS))
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04pickled")
    (folder / "modeling_tiny.py").write_text("raise SystemExit('code from a mirror')\n")
    (folder / ".gitattributes").write_text("*.safetensors filter=lfs\n")
    return folder


@pytest.fixture
def hub(folder: Path) -> Iterator[Hub]:
    with Hub({REPOSITORY: folder}) as hub:
        yield hub


@pytest.fixture
def model(hub: Hub) -> BuiltinModel:
    return BuiltinModel("tiny", REPOSITORY, "Tiny", ("text",), (hub.url,))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "builtin_models"


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def models(root: Path, model: BuiltinModel, recorder: Recorder) -> AsyncIterator[Models]:
    models = Models(root=root, catalog=Catalog((model,)), notify=recorder, limits=LIMITS)
    yield models
    await models.close()
