"""Disks without room for a model: known before its first byte if it can be; and nothing that arrived is lost."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidecar.models import BuiltinModel, Catalog, Models
from sidecar.models.cache import RepositoryCache
from sidecar.models.manifest import RepositoryFile, is_fetched
from sidecar.models.verify import Digest
from tests.hub import Hub
from tests.namespaces import needs_namespaces, small_disk
from tests.unit.models.conftest import LIMITS, PATIENCE, REPOSITORY, WEIGHTS, Recorder, failure

DISK = 1_048_576  # bytes of the small disk: less than the weights
SMALL_DISK = small_disk(DISK)
DOWNLOADS = """
import asyncio, json, subprocess, sys
from pathlib import Path
from sidecar.models import BuiltinModel, Catalog, Models
from sidecar.models.cache import RepositoryCache

# There was room when the download began; others have filled the disk since.
RepositoryCache.free_bytes = lambda cache: 10**12

async def main() -> None:
    ends = asyncio.Queue()
    notify = lambda event: None if event.name.endswith("-progress") else ends.put_nowait(event)
    model = BuiltinModel("tiny", "knowledge-focus/tiny", "Tiny", ("text",), (sys.argv[1],))
    models = Models(root=Path(sys.argv[2]), catalog=Catalog((model,)), notify=notify)
    for line in sys.stdin:
        if line.strip():
            subprocess.run(["mount", "-o", f"remount,size={line.strip()}", sys.argv[2]], check=True)
        await models.download()
        end = await ends.get()
        parts = {part.name: part.stat().st_size for part in Path(sys.argv[2]).rglob("*.part")}
        print(json.dumps({"status": end.status, "kind": end.kind, "parts": parts}), flush=True)

asyncio.run(main())
"""


async def test_a_model_that_does_not_fit_on_the_disk_is_refused_before_its_first_byte(
    root: Path, model: BuiltinModel, hub: Hub, recorder: Recorder
) -> None:
    revision = hub.repositories[REPOSITORY].main.revision
    files = tuple(
        RepositoryFile(path, size, Digest("sha256", str(number) * 64))
        for number, (path, size) in enumerate({"config.json": 1, "model.safetensors": 10**15}.items())
    )
    huge = Catalog((replace(model, revision=revision, files=files),))
    models = Models(root=root, catalog=huge, notify=recorder, limits=LIMITS)
    failed = await failure(models, recorder)
    assert failed.kind == "disk_full"
    assert failed.details is not None
    # What must be free and what is: the window tells both.
    assert failed.details["needed_bytes"] > 10**15 > failed.details["free_bytes"] > 0
    assert hub.log == []


async def test_a_gigabyte_must_stay_free_beside_what_is_missing_of_the_model(
    models: Models, recorder: Recorder, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = hub.repositories[REPOSITORY].main.files
    missing = {file.sha256: file.size for name, file in files.items() if is_fetched(name)}
    enough = sum(missing.values()) + 10**9
    free = enough - 1
    monkeypatch.setattr(RepositoryCache, "free_bytes", lambda cache: free)
    failed = await failure(models, recorder)
    assert (failed.kind, failed.details) == ("disk_full", {"needed_bytes": enough, "free_bytes": free})
    assert not hub.requests("get")

    free = enough
    await models.download()
    assert (await recorder.end()).status == "completed"
    # Nothing is missing now, so nothing is needed.
    free = 0
    assert (await models.download()).state == "ready"


@contextmanager
def downloads(hub: Hub, root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that downloads to a small disk, once for each line it gets; a number in it is the disk's new size."""
    root.mkdir()
    command = [*SMALL_DISK, str(root), sys.executable, "-c", DOWNLOADS, hub.url, str(root)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=Path(__file__).parents[3]) as process:
        try:
            yield process
        finally:
            process.kill()


@needs_namespaces
async def test_a_disk_that_fills_up_under_way_keeps_what_arrived_and_only_the_rest_is_fetched(
    hub: Hub, root: Path
) -> None:
    def one_more(line: str) -> dict[str, Any]:
        assert process.stdin
        assert process.stdout
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer: dict[str, Any] = json.loads(process.stdout.readline())
        return answer

    def ranges() -> list[str | None]:
        return [request.headers.get("range") for request in hub.requests("get", "model.safetensors")]

    weights = f"{hub.repositories[REPOSITORY].main.files['model.safetensors'].sha256}.part"
    with downloads(hub, root) as process:
        async with asyncio.timeout(2 * PATIENCE):
            full = await asyncio.to_thread(one_more, "")
            assert (full["status"], full["kind"]) == ("failed", "disk_full")
            kept = full["parts"][weights]
            assert DISK * 0.9 < kept < DISK
            # Still full, and no longer even asked for: what is here neither grows nor is dropped.
            assert await asyncio.to_thread(one_more, "") == full
            done = await asyncio.to_thread(one_more, str(4 * WEIGHTS))
            assert (done["status"], done["parts"]) == ("completed", {})
    assert ranges() == [None, f"bytes={kept}-"]
