"""`models/import`, `models/verify` and `models/delete` through the pipe, with a model that answers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.backup import TAG
from tests.hub import Hub
from tests.pipe import Json, Pipe, RpcError
from tests.rpc.asking import MODEL, REPOSITORY, asking


@pytest.fixture
def imported(data_dir: Path, catalog: Path, model_hub: Hub) -> Iterator[Pipe]:
    """A sidecar that was given its model from a folder."""
    with Pipe.sidecar(data_dir, catalog) as pipe:
        pipe.initialize()
        assert pipe.request("models/import", {"path": str(model_hub.folders[REPOSITORY])})["state"] == "downloading"
        assert pipe.notification("builtin-model-download-completed")["progress"] == 100
        yield pipe


def refused(pipe: Pipe, method: str, params: Json | None = None) -> tuple[str, object]:
    with pytest.raises(RpcError) as caught:
        pipe.request(method, params or {})
    return caught.value.kind, caught.value.data["details"].get("reason")


def large_model(folder: Path, catalog: Path) -> tuple[Path, Path]:
    """A model whose file takes a while to be read, 200 MB of zeros that take no room on the disk; and the catalog, but
    that it says so."""
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "qwen3_vl"}')
    for name in ("tokenizer.json", "preprocessor_config.json", "chat_template.jinja"):
        (folder / name).write_text("{}")
    size = 200_000_000
    header = b'{"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (size, size)
    with (folder / "model.safetensors").open("wb") as sparse:
        sparse.write(len(header).to_bytes(8, "little") + header)
        sparse.truncate(8 + len(header) + size)
    content = json.loads(catalog.read_text())
    content["models"][0]["totalBytes"] = size
    changed = folder.with_name("catalog.json")
    changed.write_text(json.dumps(content))
    return folder, changed


def stored(data_dir: Path) -> list[Path]:
    return [path for path in (data_dir / "builtin_models").iterdir() if path.name != TAG]


def test_an_imported_model_answers_and_is_found_whole(imported: Pipe, model_hub: Hub) -> None:
    asked = len(model_hub.log)
    assert imported.request("chat/completions", asking("hello"), timeout=60)["choices"]
    status = imported.request("models/verify", {"modelId": MODEL})
    assert (status["state"], status["damagedFiles"]) == ("ready", [])
    assert len(model_hub.log) == asked


def test_a_model_that_answers_is_not_deleted_and_one_that_is_only_loaded_is(imported: Pipe, data_dir: Path) -> None:
    answering = imported.send("chat/completions", asking("hello", max_tokens=4000, stream=True))
    imported.notification("chat/chunk", timeout=60)
    assert refused(imported, "models/delete") == ("model_in_use", "answering")
    imported.cancel(answering)
    assert imported.response(answering)["error"]["data"]["kind"] == "request_cancelled"

    assert imported.request("engine/status")["loaded"]
    assert imported.request("models/delete", {"modelId": MODEL})["state"] == "absent"
    assert not imported.request("engine/status")["loaded"]
    assert stored(data_dir) == []
    assert refused(imported, "chat/completions", asking("hello")) == ("model_not_ready", None)
    assert refused(imported, "models/verify") == ("model_not_ready", None)


def test_a_folder_without_the_model_is_refused_with_the_reason(sidecar: Pipe, tmp_path: Path) -> None:
    assert refused(sidecar, "models/import", {"path": str(tmp_path)}) == ("import_refused", "no_model")
    assert refused(sidecar, "models/import", {"path": "."}) == ("import_refused", "not_a_folder")
    assert refused(sidecar, "models/import", {"path": ""}) == ("invalid_params", None)
    assert refused(sidecar, "models/delete", {"modelId": "huge"}) == ("model_not_found", None)


def test_an_import_that_is_killed_leaves_nothing_that_counts_and_the_next_one_ends_well(
    data_dir: Path, catalog: Path, tmp_path: Path
) -> None:
    source, catalog = large_model(tmp_path / "source", catalog)
    with Pipe.sidecar(data_dir, catalog) as pipe:
        pipe.initialize()
        pipe.request("models/import", {"path": str(source)})
        while not (status := pipe.request("models/status"))["downloadedBytes"]:
            assert status["state"] == "downloading"
        assert status["state"] == "downloading"
        pipe.process.kill()
        pipe.wait_for_end()
    assert list(data_dir.rglob("*.copy"))
    with Pipe.sidecar(data_dir, catalog) as pipe:
        pipe.initialize()
        assert pipe.request("models/status")["state"] == "absent"
        pipe.request("models/import", {"path": str(source)})
        pipe.notification("builtin-model-download-completed")
        assert pipe.request("models/verify")["state"] == "ready"
    assert not list(data_dir.rglob("*.copy"))


def test_the_status_tells_what_is_being_done_and_the_mirror_of_a_download(
    data_dir: Path, catalog: Path, tmp_path: Path
) -> None:
    source, catalog = large_model(tmp_path / "source", catalog)
    with Hub({REPOSITORY: source}, rate=1_000_000) as hub, Pipe.sidecar(data_dir, catalog) as pipe:

        def doing() -> tuple[object, object]:
            status = pipe.request("models/status")
            return status["activity"], status["mirror"]

        pipe.initialize()
        assert doing() == (None, None)

        pipe.request("models/download", {"mirror": f"{hub.url}/"})
        assert doing() == ("downloading", hub.url)
        # Who asks for another mirror meanwhile joins it, and is told so.
        assert pipe.request("models/download")["mirror"] == hub.url
        pipe.request("models/cancelDownload")
        assert doing() == (None, None)

        pipe.request("models/import", {"path": str(source)})
        assert doing() == ("importing", None)
        pipe.notification("builtin-model-download-completed")
        assert doing() == (None, None)

        checking = pipe.send("models/verify")
        assert doing() == ("verifying", None)
        assert pipe.result(checking)["activity"] is None


def test_a_check_of_the_files_can_be_cancelled_and_begun_again(data_dir: Path, catalog: Path, tmp_path: Path) -> None:
    source, catalog = large_model(tmp_path / "source", catalog)
    with Pipe.sidecar(data_dir, catalog) as pipe:
        pipe.initialize()
        pipe.request("models/import", {"path": str(source)})
        pipe.notification("builtin-model-download-completed")

        checking = pipe.send("models/verify")
        pipe.cancel(checking)
        assert pipe.response(checking)["error"]["data"]["kind"] == "request_cancelled"

        assert pipe.request("models/status")["state"] == "ready"
        assert pipe.request("models/verify")["state"] == "ready"
