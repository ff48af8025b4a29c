"""A model whose files rot on the disk, at the same size: found when it cannot be loaded, and mended by a download."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import Hub, write_catalog
from tests.pipe import Json, Pipe, RpcError
from tests.rpc.asking import MODEL, REPOSITORY, asking


@pytest.fixture
def downloaded(data_dir: Path, catalog: Path) -> Iterator[Pipe]:
    """A sidecar whose model is on disk and was not loaded yet."""
    with Pipe.sidecar(data_dir, catalog) as pipe:
        pipe.initialize()
        pipe.request("models/download")
        pipe.notification("builtin-model-download-completed")
        yield pipe


def damage(data_dir: Path, name: str) -> None:
    [file] = data_dir.glob(f"builtin_models/*/snapshots/*/{name}")
    with file.open("r+b") as content:
        content.write(b"\xff" * 8)


def failure(pipe: Pipe) -> tuple[str, Json]:
    with pytest.raises(RpcError) as caught:
        pipe.request("chat/completions", asking("hello"), timeout=60)
    return caught.value.kind, caught.value.data["details"]


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_model_that_cannot_be_loaded_is_told_to_be_damaged_and_a_download_mends_it(
    downloaded: Pipe, data_dir: Path, model_hub: Hub, name: str
) -> None:
    damage(data_dir, name)
    assert downloaded.request("models/status")["state"] == "ready"

    for _ in range(2):
        assert failure(downloaded) == ("model_not_ready", {"model": MODEL, "reason": "damaged", "files": [name]})
    status = downloaded.request("models/status")
    assert (status["state"], status["kind"], status["damagedFiles"]) == ("damaged", "file_damaged", [name])

    before = len(model_hub.log)
    downloaded.request("models/download")
    downloaded.notification("builtin-model-download-completed")
    assert [(request.endpoint, request.file) for request in model_hub.log[before:]] == [("get", name)]
    assert downloaded.request("chat/completions", asking("hello"), timeout=60)["choices"]


def test_a_whole_model_that_cannot_be_loaded_fails_as_before_and_stays(tmp_path: Path, data_dir: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "of another kind"}')
    (folder / "model.safetensors").write_bytes(bytes(100))
    with Hub({REPOSITORY: folder}) as hub:
        catalog = write_catalog(tmp_path / "catalog.json", hub.url, folder)
        with Pipe.sidecar(data_dir, catalog) as pipe:
            pipe.initialize()
            pipe.request("models/download")
            pipe.notification("builtin-model-download-completed")
            assert failure(pipe) == ("engine_failed", {"reason": "unsupported_model"})
            assert pipe.request("models/status")["state"] == "ready"
