"""Imports: what counts as the model, what is refused and why, and that nothing outside is touched or linked to."""

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest

from sidecar.errors import Cancelled, ImportRefused, ModelInUse
from sidecar.models import BuiltinModel, Catalog, Models
from sidecar.models.clone import clone
from sidecar.models.manifest import RepositoryFile
from sidecar.models.status import ModelStatus
from sidecar.models.verify import Digest
from tests.hub import Hub
from tests.unit.models.conftest import LIMITS, REPOSITORY, WEIGHTS, Recorder

IMPORTED = {
    "README.md", "chat_template.jinja", "config.json", "merges.txt", "model.safetensors", "preprocessor_config.json",
    "tokenizer.json",
}  # fmt: skip


def write_weights(path: Path, size: int, fill: bytes = b"\1") -> None:
    """A file in the format of safetensors with one tensor of `size` bytes."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + fill * size)


@pytest.fixture
def source(folder: Path, tmp_path: Path) -> Path:
    """A folder as people have it, with weights that could be loaded and things that are nobody's business."""
    source = tmp_path / "model on a stick"
    shutil.copytree(folder, source)
    write_weights(source / "model.safetensors", WEIGHTS)
    (source / "preprocessor_config.json").write_text("{}")
    (source / "chat_template.jinja").write_text("{{ messages }}")
    return source


@pytest.fixture
async def pinned(root: Path, model: BuiltinModel, hub: Hub, recorder: Recorder) -> Models:
    """Models whose catalog vouches for the hub's files."""
    snapshot = hub.repositories[REPOSITORY].main
    files = tuple(
        RepositoryFile(file.path, file.size, Digest("sha256", file.sha256))
        for name, file in snapshot.files.items()
        if name in ("config.json", "model.safetensors", "sub/copy_of_tokenizer.json")
    )
    return Models(
        root=root,
        catalog=Catalog((replace(model, revision=snapshot.revision, files=files),)),
        notify=recorder,
        limits=LIMITS,
    )


async def refusal(models: Models, path: Path | str) -> tuple[object, object]:
    with pytest.raises(ImportRefused) as caught:
        await models.import_folder(str(path))
    assert models.status().state == "absent"
    return caught.value.details["reason"], caught.value.details.get("file")


def is_below(path: Path, folder: Path) -> bool:
    """Whether that is so where links lead, too."""
    return path.resolve().is_relative_to(folder.resolve())


def files_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_folder_with_the_model_is_imported_with_the_events_of_a_download(
    models: Models, recorder: Recorder, source: Path, hub: Hub
) -> None:
    before = files_below(source)
    assert (await models.import_folder(str(source))).state == "downloading"
    completed = await recorder.wait_for(lambda event: event.name.endswith("-completed"))
    assert (completed.progress, completed.downloaded_bytes) == (100, completed.total_bytes)
    assert recorder.progress[0].message.startswith("Importing... ")
    snapshot = models.get_model_path()
    assert files_below(snapshot) == {name: before[name] for name in IMPORTED}
    assert models.status().state == "ready"
    assert hub.log == []
    assert files_below(source) == before


async def test_an_import_that_was_cancelled_while_its_folder_was_looked_at_does_not_begin(
    models: Models, source: Path, root: Path
) -> None:
    refused, status = await asyncio.gather(
        models.import_folder(str(source)), models.cancel_download(), return_exceptions=True
    )
    assert isinstance(refused, Cancelled)
    assert isinstance(status, ModelStatus)
    assert models.status().state == status.state == "absent"
    assert not root.exists()
    models.refuse_if_busy()


async def test_two_calls_import_once_also_while_the_folder_is_looked_at(
    models: Models, recorder: Recorder, source: Path, tmp_path: Path
) -> None:
    first, second, other, download = await asyncio.gather(
        models.import_folder(str(source)),
        models.import_folder(str(source)),
        models.import_folder(str(tmp_path)),
        models.download(),
        return_exceptions=True,
    )
    assert isinstance(first, ModelStatus)
    assert isinstance(second, ModelStatus)
    assert (first.activity, second.activity) == ("importing", "importing")
    for refused in (other, download):
        assert isinstance(refused, ModelInUse)
        assert refused.details["reason"] == "importing"
    assert (await recorder.end()).status == "completed"


async def test_an_import_right_after_a_cancelled_one_begins(models: Models, recorder: Recorder, source: Path) -> None:
    await models.import_folder(str(source))
    _, status = await asyncio.gather(models.cancel_download(), models.import_folder(str(source)))
    assert status.activity == "importing"
    await recorder.wait_for(lambda event: event.name.endswith("-completed"))


async def test_what_was_imported_is_no_link_to_the_outside_and_outlives_its_source(
    models: Models, recorder: Recorder, source: Path, root: Path
) -> None:
    await models.import_folder(str(source))
    await recorder.end()
    weights = models.get_model_path() / "model.safetensors"
    assert is_below(weights, root)
    assert weights.stat().st_nlink == 1
    with (source / "model.safetensors").open("r+b") as original:
        original.write(b"\0" * 100)
    shutil.rmtree(source)
    assert (await models.verify()).state == "ready"


async def test_an_imported_model_is_verified_and_its_damage_found_like_a_downloaded_ones(
    models: Models, recorder: Recorder, source: Path
) -> None:
    await models.import_folder(str(source))
    await recorder.end()
    with (models.get_model_path() / "model.safetensors").open("r+b") as weights:
        weights.seek(WEIGHTS)
        weights.write(b"\0")
    assert (await models.verify()).damaged_files == ("model.safetensors",)


async def test_a_file_lost_of_an_imported_model_is_fetched_from_a_mirror_which_is_not_asked_for_a_made_up_revision(
    models: Models, recorder: Recorder, source: Path, tmp_path: Path
) -> None:
    await models.import_folder(str(source))
    await recorder.end()
    assert models.list()[0].revision is None
    (models.get_model_path() / "tokenizer.json").resolve().unlink()
    assert models.status().state == "damaged"
    with Hub({REPOSITORY: source}) as hub:
        await models.download(mirror=hub.url)
        assert (await recorder.end()).status == "completed"
        assert models.list()[0].revision == hub.repositories[REPOSITORY].main.revision
        assert not hub.requests("get", "model.safetensors")


async def test_with_pins_only_the_pinned_files_are_taken(
    pinned: Models, recorder: Recorder, folder: Path, hub: Hub
) -> None:
    await pinned.import_folder(str(folder))
    assert (await recorder.end()).status == "completed"
    assert set(files_below(pinned.get_model_path())) == {
        "config.json", "model.safetensors", "sub/copy_of_tokenizer.json",
    }  # fmt: skip
    assert pinned.get_model_path().name == hub.repositories[REPOSITORY].main.revision


async def test_with_pins_a_file_with_another_content_is_named_and_nothing_of_the_import_stays(
    pinned: Models, recorder: Recorder, folder: Path, root: Path
) -> None:
    with (folder / "model.safetensors").open("r+b") as weights:
        weights.write(b"\xff" * 8)
    await pinned.import_folder(str(folder))
    failed = await recorder.end()
    assert (failed.kind, failed.file) == ("import_refused", "model.safetensors")
    assert (pinned.status().state, pinned.status().kind) == ("absent", None)
    assert not files_below(root)


async def test_with_pins_a_missing_file_or_another_size_is_refused_before_anything_is_copied(
    pinned: Models, folder: Path
) -> None:
    (folder / "config.json").write_text("{}")
    assert await refusal(pinned, folder) == ("different", "config.json")
    (folder / "model.safetensors").unlink()
    assert await refusal(pinned, folder) == ("incomplete", "model.safetensors")


@pytest.mark.parametrize("chosen", ["", "hub", "hub/models--knowledge-focus--tiny", "snapshot"])
async def test_a_hugging_face_cache_is_found_from_wherever_in_it_is_chosen(
    pinned: Models, recorder: Recorder, hub: Hub, tmp_path: Path, chosen: str
) -> None:
    cache = tmp_path / "huggingface"
    snapshot = await asyncio.to_thread(
        huggingface_hub.snapshot_download, REPOSITORY, endpoint=hub.url, cache_dir=cache / "hub", token=False
    )
    assert (Path(snapshot) / "model.safetensors").is_symlink()
    await pinned.import_folder(str(snapshot if chosen == "snapshot" else cache / chosen))
    assert (await recorder.end()).status == "completed"
    assert pinned.status().state == "ready"


async def test_without_pins_the_revision_of_a_hugging_face_cache_is_recorded(
    models: Models, recorder: Recorder, source: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "hub" / "models--knowledge-focus--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("b" * 40)
    for revision in ("a" * 40, "b" * 40):
        shutil.copytree(source, repository / "snapshots" / revision)
    await models.import_folder(str(tmp_path / "hub"))
    assert (await recorder.end()).status == "completed"
    assert models.list()[0].revision == "b" * 40


async def test_without_pins_a_model_of_the_kind_but_of_another_size_is_refused(
    root: Path, model: BuiltinModel, recorder: Recorder, source: Path
) -> None:
    size = sum(file.stat().st_size for file in source.iterdir() if file.name in IMPORTED)
    for stated, fits in ((10 * size, False), (size // 2, False), (size + size // 10, True)):
        catalog = Catalog((replace(model, revision=None, files=None, total_bytes=stated),))
        models = Models(root=root, catalog=catalog, notify=recorder, limits=LIMITS)
        if fits:
            await models.import_folder(str(source))
            assert (await recorder.end()).status == "completed"
        else:
            assert await refusal(models, source) == ("other_model", None)


def other_kind(source: Path) -> None:
    (source / "config.json").write_text('{"model_type": "llama"}')


def own_code(source: Path) -> None:
    (source / "config.json").write_text('{"model_type": "qwen3_vl", "model_file": "modeling_tiny.py"}')


def no_json(source: Path) -> None:
    (source / "config.json").write_text("[" * 100_000)


def only_pickles(source: Path) -> None:
    (source / "model.safetensors").unlink()


def missing_shard(source: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002.safetensors"}}
    (source / "model.safetensors.index.json").write_text(json.dumps(index))


def cut_weights(source: Path) -> None:
    os.truncate(source / "model.safetensors", WEIGHTS // 2)


def pickled_as_safetensors(source: Path) -> None:
    (source / "model.safetensors").write_bytes(b"\x80\x04" + bytes(100))


def link_outside(source: Path) -> None:
    (source / "tokenizer.json").unlink()
    (source / "tokenizer.json").symlink_to("/etc/passwd")


def link_to_a_neighbour(source: Path) -> None:
    (source.parent / "neighbour.json").write_text("[]")
    (source / "tokenizer.json").unlink()
    (source / "tokenizer.json").symlink_to("../neighbour.json")


def pipe_instead_of_a_file(source: Path) -> None:
    (source / "tokenizer.json").unlink()
    os.mkfifo(source / "tokenizer.json")


def no_tokenizer(source: Path) -> None:
    (source / "tokenizer.json").unlink()


def no_measures_of_pictures(source: Path) -> None:
    (source / "preprocessor_config.json").unlink()


def no_template(source: Path) -> None:
    (source / "chat_template.jinja").unlink()
    (source / "tokenizer_config.json").write_text('{"eos_token": "<end>"}')


def no_configuration(source: Path) -> None:
    (source / "config.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "reason", "file"),
    [
        (other_kind, "other_model", "config.json"),
        (own_code, "other_model", "config.json"),
        (no_json, "other_model", "config.json"),
        (only_pickles, "incomplete", "model.safetensors"),
        (missing_shard, "incomplete", "model-00002.safetensors"),
        (cut_weights, "incomplete", "model.safetensors"),
        (pickled_as_safetensors, "incomplete", "model.safetensors"),
        (link_outside, "link_outside", "tokenizer.json"),
        (link_to_a_neighbour, "link_outside", "tokenizer.json"),
        (pipe_instead_of_a_file, "incomplete", "tokenizer.json"),
        (no_tokenizer, "incomplete", "tokenizer.json"),
        (no_measures_of_pictures, "incomplete", "preprocessor_config.json"),
        (no_template, "incomplete", "chat_template.jinja"),
        (no_configuration, "no_model", None),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
async def test_a_folder_that_is_not_a_whole_model_of_the_kind_is_refused_with_the_reason(
    models: Models, source: Path, spoil: Callable[[Path], None], reason: str, file: str | None
) -> None:
    spoil(source)
    assert await refusal(models, source) == (reason, file)


async def test_what_older_and_newer_folders_call_otherwise_is_taken(
    models: Models, recorder: Recorder, source: Path
) -> None:
    (source / "tokenizer.json").rename(source / "vocab.json")
    (source / "preprocessor_config.json").rename(source / "processor_config.json")
    (source / "chat_template.jinja").unlink()
    (source / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    await models.import_folder(str(source))
    assert (await recorder.end()).status == "completed"


@pytest.mark.parametrize("path", ["relative", "/nowhere/at/all", "/etc/passwd", "/zero\0byte", "/" + "x" * 4000])
async def test_what_is_no_folder_is_refused(models: Models, path: str) -> None:
    assert await refusal(models, path) == ("not_a_folder", None)


async def test_a_snapshot_that_is_a_link_out_of_the_chosen_cache_is_refused(
    models: Models, source: Path, tmp_path: Path
) -> None:
    snapshots = tmp_path / "hub" / "models--knowledge-focus--tiny" / "snapshots"
    snapshots.mkdir(parents=True)
    (snapshots / ("a" * 40)).symlink_to(source)
    assert (await refusal(models, tmp_path / "hub"))[0] == "link_outside"


async def test_a_model_that_does_not_fit_on_the_disk_is_not_copied(
    models: Models, recorder: Recorder, source: Path
) -> None:
    header = json.dumps({"w": {"dtype": "U8", "shape": [1], "data_offsets": [0, 10**12]}}).encode()
    with (source / "model.safetensors").open("wb") as sparse:
        sparse.write(len(header).to_bytes(8, "little") + header)
        sparse.truncate(8 + len(header) + 10**12)
    await models.import_folder(str(source))
    assert (await recorder.end()).kind == "disk_full"


async def test_a_cancelled_import_leaves_nothing(models: Models, recorder: Recorder, source: Path, root: Path) -> None:
    write_weights(source / "model.safetensors", 100_000_000)
    await models.import_folder(str(source))
    await recorder.wait_for(lambda event: True)
    assert (await models.cancel_download()).state == "absent"
    assert (await recorder.end()).kind == "cancelled"
    assert not files_below(root)


async def test_a_second_import_of_the_folder_joins_and_one_of_another_is_refused(
    models: Models, recorder: Recorder, source: Path, folder: Path
) -> None:
    write_weights(source / "model.safetensors", 50_000_000)
    first = await models.import_folder(str(source))
    assert (await models.import_folder(str(source))).state == first.state == "downloading"
    assert (await models.download()).state == "downloading"
    with pytest.raises(ModelInUse) as caught:
        await models.import_folder(str(folder))
    assert caught.value.details["reason"] == "importing"
    assert (await recorder.end()).status == "completed"
    assert (await models.import_folder(str(folder))).state == "ready"


async def test_an_import_is_refused_while_a_download_runs(
    models: Models, recorder: Recorder, source: Path, hub: Hub
) -> None:
    hub.rate = WEIGHTS / 5
    await models.download()
    with pytest.raises(ModelInUse) as caught:
        await models.import_folder(str(source))
    assert caught.value.details["reason"] == "downloading"
    await models.cancel_download()


async def test_an_import_takes_the_place_of_a_download_that_was_given_up(
    models: Models, recorder: Recorder, source: Path, hub: Hub, root: Path
) -> None:
    hub.rate = WEIGHTS / 5
    await models.download()
    await asyncio.to_thread(hub.wait_until, lambda: sum(request.sent for request in hub.log) > 100_000)
    await models.cancel_download()
    await recorder.end()
    await models.import_folder(str(source))
    assert (await recorder.end()).status == "completed"
    assert not [name for name in files_below(root) if name.endswith(".part")]


def test_a_clone_is_a_file_of_its_own_or_is_not_made_at_all(tmp_path: Path) -> None:
    original, target = tmp_path / "original", tmp_path / "clone"
    original.write_bytes(b"abc" * 10_000)
    with original.open("rb") as source:
        if not clone(source.fileno(), target):
            assert not target.exists()
            return
    with original.open("r+b") as changed:
        changed.write(b"xyz")
    assert target.read_bytes() == b"abc" * 10_000
    assert target.stat().st_nlink == 1
