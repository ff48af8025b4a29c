"""An app that comes with a newer revision of the model, on a computer that has the one before."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import Hub, write_catalog
from tests.pipe import Pipe
from tests.rpc.asking import REPOSITORY, asking


@pytest.fixture
def newer(model_hub: Hub, tmp_path: Path, data_dir: Path) -> Iterator[tuple[Pipe, Hub]]:
    """The sidecar of such an app, and the hub that has both revisions."""
    folder = shutil.copytree(model_hub.folders[REPOSITORY], tmp_path / "model")
    with Hub({REPOSITORY: folder}) as hub:
        catalog = write_catalog(tmp_path / "catalog.json", hub.url, folder)
        with Pipe.sidecar(data_dir, catalog) as pipe:
            pipe.initialize()
            pipe.request("models/download")
            pipe.notification("builtin-model-download-completed")
        (folder / "README.md").write_text("# The same weights, and another card\n")
        content = json.loads(catalog.read_text())
        content["models"][0]["revision"] = hub.repositories[REPOSITORY].publish(folder).revision
        catalog.write_text(json.dumps(content))
        with Pipe.sidecar(data_dir, catalog) as pipe:
            pipe.initialize()
            yield pipe, hub


def snapshots(data_dir: Path) -> set[str]:
    return {snapshot.name for snapshot in data_dir.glob("builtin_models/*/snapshots/*")}


def test_the_model_on_disk_answers_until_the_newer_one_is_checked_and_no_answer_is_cut_for_it(
    newer: tuple[Pipe, Hub], data_dir: Path
) -> None:
    pipe, hub = newer
    (old,) = snapshots(data_dir)
    new = hub.repositories[REPOSITORY].main.revision
    status = pipe.request("models/status")
    assert (status["state"], status["update"]) == ("ready", {"revision": new, "missingBytes": None})
    assert pipe.request("models/list")["models"][0]["revision"] == old

    answering = pipe.send("chat/completions", asking("hello", max_tokens=4000, stream=True))
    pipe.notification("chat/chunk", timeout=60)
    assert pipe.request("models/download")["state"] == "ready"
    pipe.notification("builtin-model-download-completed")
    assert pipe.request("models/status")["update"] is None
    assert snapshots(data_dir) == {old, new}, "an answer is on its way"
    assert not hub.requests("get", "model.safetensors")[1:], "what both have in common is not fetched again"
    pipe.cancel(answering)
    assert pipe.response(answering)["error"]["data"]["kind"] == "request_cancelled"

    assert pipe.request("chat/completions", asking("hello"), timeout=60)["choices"]
    assert pipe.request("models/list")["models"][0]["revision"] == new
    assert snapshots(data_dir) == {new}
