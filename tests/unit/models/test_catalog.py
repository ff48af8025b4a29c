"""The catalog: what ships, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from sidecar.errors import ModelNotFound
from sidecar.models import Catalog, CatalogError
from tests.hub import write_catalog

GOOD: dict[str, Any] = {
    "id": "tiny",
    "repository": "knowledge-focus/tiny",
    "revision": "1" * 40,
    "displayName": "Tiny",
    "capabilities": ["text"],
    "mirrors": ["https://huggingface.co/"],
    "totalBytes": None,
    "files": [
        {"path": "config.json", "size": 10, "sha256": "a" * 64},
        {"path": "model.safetensors", "size": 1000, "sha256": "b" * 64},
    ],
}


def write(path: Path, **changes: Any) -> Path:
    path.write_text(json.dumps({"models": [{**GOOD, **changes}]}))
    return path


def test_the_shipped_catalog_names_the_model_and_both_mirrors() -> None:
    model = Catalog.load().find()
    assert model.id == "qwen3-vl-4b"
    assert model.repository == "mlx-community/Qwen3-VL-4B-Instruct-3bit"
    assert model.display_name == "Qwen3-VL 4B (3-bit)"
    assert model.mirrors == ("https://huggingface.co", "https://hf-mirror.com")
    assert set(model.capabilities) == {"vision", "text", "structured_output", "tool_use"}


def test_a_pinned_catalog_knows_its_size(tmp_path: Path) -> None:
    model = Catalog.load(write(tmp_path / "catalog.json")).find("tiny")
    assert model.total_bytes == 1010
    assert model.mirrors == ("https://huggingface.co",)
    assert model.pinned() is not None


def test_a_model_is_found_by_id_or_repository_and_no_other_name(tmp_path: Path) -> None:
    catalog = Catalog.load(write(tmp_path / "catalog.json"))
    assert catalog.find("tiny") is catalog.find("knowledge-focus/tiny") is catalog.find()
    with pytest.raises(ModelNotFound):
        catalog.find("other")


def test_the_hubs_catalog_is_written_with_its_real_address(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    model = Catalog.load(write_catalog(tmp_path / "catalog.txt", "http://127.0.0.1:1", tmp_path)).find()
    assert model.id == "qwen3-vl-demo"
    assert model.mirrors == ("http://127.0.0.1:1",)
    assert model.total_bytes == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"id": None},
        {"id": "x" * 201},
        {"id": "half a pair: \ud83d"},
        {"displayName": "\udc00"},
        {"repository": "../../etc/passwd"},
        {"repository": "no-owner"},
        {"repository": "a/.."},
        {"revision": "main"},
        {"revision": None},
        {"capabilities": ["telepathy"]},
        {"mirrors": []},
        {"mirrors": ["http://huggingface.co"]},
        {"mirrors": "https://huggingface.co"},
        {"files": []},
        {"files": [*GOOD["files"], {"path": "weights.bin", "size": 1, "sha256": "c" * 64}]},
        {"files": [*GOOD["files"], {"path": "../x.json", "size": 1, "sha256": "c" * 64}]},
        {"files": [*GOOD["files"], GOOD["files"][0]]},
        {"files": [{"path": "config.json", "size": 1, "sha256": "short"}]},
        {"files": None, "totalBytes": -1},
        {"files": None, "totalBytes": "2 GB"},
    ],
)
def test_an_impossible_catalog_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(CatalogError):
        Catalog.load(write(tmp_path / "catalog.json", **changes))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"models": []}', '{"models": [1]}', "\x00", "[" * 100_000])
def test_a_file_that_is_no_catalog_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "catalog.json").write_text(text)
    with pytest.raises(CatalogError):
        Catalog.load(tmp_path / "catalog.json")


def test_a_missing_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError):
        Catalog.load(tmp_path / "nowhere.json")
