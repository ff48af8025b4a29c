"""A release pins the model: from then on no mirror's word counts."""

import hashlib
import json
from pathlib import Path

import pytest

from sidecar.models import Catalog, Models
from sidecar.models.pin import main
from tests.hub import Hub, faults
from tests.unit.models.conftest import LIMITS, REPOSITORY, Recorder


@pytest.fixture
def catalog(tmp_path: Path, hub: Hub) -> Path:
    entry = {
        "id": "tiny",
        "repository": REPOSITORY,
        "displayName": "Tiny",
        "capabilities": ["text"],
        "mirrors": [hub.url],
        "totalBytes": 1,
    }
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps({"models": [entry]}))
    return path


def test_each_file_is_pinned_by_size_and_sha_256(
    catalog: Path, hub: Hub, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--catalog", str(catalog)]) == 0
    (entry,) = json.loads(catalog.read_text())["models"]
    assert entry["revision"] == hub.repositories[REPOSITORY].main.revision
    assert {file["path"] for file in entry["files"]} >= {"config.json", "model.safetensors", "merges.txt"}
    for file in entry["files"]:
        content = (folder / file["path"]).read_bytes()
        assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert entry["revision"] in capsys.readouterr().out
    # The weights are not fetched for it.
    assert not hub.requests("get", "model.safetensors")


def test_pinning_the_same_commit_at_another_mirror_leaves_the_catalog_as_it_is(
    catalog: Path, hub: Hub, folder: Path
) -> None:
    assert main(["--catalog", str(catalog)]) == 0
    pinned, commit = catalog.read_text(), hub.repositories[REPOSITORY].main.revision
    with Hub({REPOSITORY: folder}) as other:
        assert main(["--catalog", str(catalog), "--mirror", other.url, "--revision", commit]) == 0
    assert catalog.read_text() == pinned


async def test_a_pinned_model_is_taken_from_no_mirror_that_offers_another(
    catalog: Path, hub: Hub, root: Path, recorder: Recorder
) -> None:
    assert main(["--catalog", str(catalog)]) == 0
    hub.fault(faults.corrupt(at=1000), on="get", path="model.safetensors")
    models = Models(root=root, catalog=Catalog.load(catalog), notify=recorder, limits=LIMITS)
    await models.download()
    assert (await recorder.end()).kind == "file_damaged"
    assert not hub.requests("tree")[1:], "the list of files is not asked for again"
    await models.close()


def test_what_a_mirror_sends_damaged_is_not_pinned(catalog: Path, hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    before = catalog.read_text()
    hub.fault(faults.corrupt(at=2), on="get", path="config.json")
    assert main(["--catalog", str(catalog)]) == 1
    assert "nothing was pinned" in capsys.readouterr().err
    assert catalog.read_text() == before


def test_a_mirror_that_cannot_be_asked_is_told(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--catalog", str(catalog), "--mirror", "http://127.0.0.1:1"]) == 1
    assert "nothing was pinned" in capsys.readouterr().err
