"""A model's folder is loaded once, offline, and nothing in it is run."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.engine import RequestPriority, backend, openblas
from sidecar.errors import EngineFailed, InvalidSchema, ModelNotLoaded
from tests.engine.conftest import Bench
from tests.engine.pictures import data_url, encoded, image_part, noise, text_part
from tests.engine.synthetic import write_model

ROOT = Path(__file__).parents[2]


def python(script: str, *arguments: str) -> str:
    """Runs a script in a fresh interpreter and returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def copied(model: Path, folder: Path) -> Path:
    shutil.copytree(model, folder)
    return folder


def change_config(folder: Path, **members: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | members))


async def reason_of_failure(bench: Bench, folder: Path) -> object:
    with pytest.raises(EngineFailed) as failed:
        await bench.load(folder)
    return failed.value.details["reason"]


def test_importing_the_engine_imports_nothing_heavy() -> None:
    script = "import sys, sidecar.engine; print(*{name.partition('.')[0] for name in sys.modules})"

    assert not {"mlx", "mlx_vlm", "transformers", "numpy", "PIL", "huggingface_hub"} & set(python(script).split())


def test_a_snapshot_of_links_answers_without_any_connection_and_the_process_leaves_cleanly(
    random_model: Path, tmp_path: Path
) -> None:
    # The Hugging Face cache layout: a snapshot's files are links to blobs named by their hash.
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / ("0" * 40)
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    for number, file in enumerate(sorted(random_model.iterdir())):
        shutil.copy(file, blobs / f"{number:064x}")
        (snapshot / file.name).symlink_to(Path("../../blobs") / f"{number:064x}")
    script = """
import asyncio, sys
from pathlib import Path

attempts = []

def hook(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname") or (
        event == "socket.connect" and not isinstance(arguments[1], (str, bytes))
    ):
        attempts.append(event)

sys.addaudithook(hook)
from sidecar.engine import Engine, Finished, GenerationRequest

async def main():
    engine = Engine(attachments=Path(sys.argv[2]), cache=Path(sys.argv[2]))
    request = GenerationRequest("x", [{"role": "user", "content": "hello"}], max_tokens=3)
    pieces = [piece async for piece in engine.generate(Path(sys.argv[1]), request)]
    assert isinstance(pieces[-1], Finished)

asyncio.run(main())
print("connections:", attempts)
"""

    assert python(script, str(snapshot), str(tmp_path / "cache")) == "connections: []\n"


async def test_a_3_bit_model_answers_about_a_picture(bench: Bench, prepared: None, tmp_path: Path) -> None:
    model = write_model(tmp_path / "quantised", bits=3)
    question = [{"role": "user", "content": [image_part(data_url(encoded(noise()))), text_part("What is this?")]}]

    answers = await asyncio.gather(bench.ask(question, model=model), bench.ask("hello", model=model))

    assert [answer.end.completion_tokens for answer in answers] == [16, 16]
    assert answers[0].text != answers[1].text


async def test_callers_at_the_same_time_load_the_model_once(
    bench: Bench, random_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = copied(random_model, tmp_path / "fresh")
    caplog.set_level(logging.INFO, "sidecar.engine")

    await asyncio.gather(*(bench.ask("hi", model=folder) for _ in range(5)))

    assert [record.message.split(",")[0] for record in caplog.records].count("Loading model") == 1
    assert any(record.message.startswith("Model loaded in ") for record in caplog.records)
    assert any(status.loading for status in bench.announced)
    assert bench.engine.status().loaded


async def test_the_event_loop_runs_while_a_model_loads(bench: Bench, random_model: Path, tmp_path: Path) -> None:
    await bench.engine.unload_model()
    turns = 0
    loading = asyncio.ensure_future(bench.load())
    while not loading.done():
        await asyncio.sleep(0)
        turns += 1

    await loading
    assert turns > 5


async def test_another_model_takes_the_place_of_the_first(bench: Bench, random_model: Path, tmp_path: Path) -> None:
    other = copied(random_model, tmp_path / "other")

    both = await asyncio.gather(bench.ask("one"), bench.ask("one", model=other), bench.ask("one"))

    assert {answer.text for answer in both} == {both[0].text}
    assert bench.engine.status().model_id in (random_model.name, "other")


def test_what_stays_in_memory_is_not_looked_through_for_garbage(random_model: Path, tmp_path: Path) -> None:
    script = """
import asyncio, gc, os, sys
from pathlib import Path
from sidecar.engine import Engine, GenerationRequest

async def main(model, cache):
    engine = Engine(attachments=cache, cache=cache)
    request = GenerationRequest("a", [{"role": "user", "content": "hello"}], max_tokens=1)
    assert [piece async for piece in engine.generate(model, request)]
    print(gc.get_freeze_count() > len(gc.get_objects()))
    await engine.unload_model()
    print(gc.get_freeze_count())

asyncio.run(main(*map(Path, sys.argv[1:])))
sys.stdout.flush()
os._exit(0)  # whoever used MLX leaves so
"""

    assert python(script, str(random_model), str(tmp_path)) == "True\n0\n"


async def test_a_request_that_is_cancelled_while_its_model_loads_leaves_the_next_one_a_model(bench: Bench) -> None:
    alone = await bench.ask("hello")
    await bench.engine.unload_model()
    bench.announced.clear()
    cancelled = asyncio.create_task(bench.ask("hello", max_tokens=2000))
    await bench.until(lambda status: status.loading)

    cancelled.cancel()

    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert (await bench.ask("hello")).text == alone.text
    assert [status.running.low for status in bench.announced if status.running.low > 1] == []
    assert bench.engine.status().running.low == 0


async def test_a_load_that_fails_late_leaves_no_memory_behind(bench: Bench, random_model: Path, tmp_path: Path) -> None:
    import mlx.core as mx

    broken = copied(random_model, tmp_path / "broken")
    (broken / "tokenizer.json").write_text("{}")
    await bench.engine.unload_model()
    before = mx.get_active_memory()

    with pytest.raises(ModelNotLoaded):
        await bench.ask("hello", model=broken)

    assert mx.get_active_memory() <= before
    assert bench.engine.status().active_bytes <= before


@pytest.mark.parametrize("member", ["model_file", "auto_map"])
async def test_a_model_that_brings_code_is_refused_and_its_code_not_run(
    bench: Bench, random_model: Path, tmp_path: Path, member: str
) -> None:
    folder = copied(random_model, tmp_path / "code")
    ran = tmp_path / "ran"
    (folder / "model.py").write_text(f"open({str(ran)!r}, 'w')")
    change_config(folder, **{member: "model.py"})

    assert await reason_of_failure(bench, folder) == "wants_code"
    assert not ran.exists()


async def test_folders_that_hold_no_usable_model_fail_with_their_reason(
    bench: Bench, random_model: Path, tmp_path: Path
) -> None:
    assert await reason_of_failure(bench, tmp_path / "nowhere") == "incomplete"

    other = copied(random_model, tmp_path / "other_kind")
    change_config(other, model_type="llama")
    assert await reason_of_failure(bench, other) == "unsupported_model"

    weightless = copied(random_model, tmp_path / "weightless")
    (weightless / "model.safetensors").rename(weightless / "pytorch_model.bin")
    assert await reason_of_failure(bench, weightless) == "incomplete"

    index = copied(random_model, tmp_path / "index")
    for shard in ("weights.bin", "../other_kind/model.safetensors", "/etc/passwd"):
        (index / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": shard}}))
        assert await reason_of_failure(bench, index) == "not_safetensors"

    damaged = copied(random_model, tmp_path / "damaged")
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert await reason_of_failure(bench, damaged) == "RuntimeError"


async def test_after_a_failed_load_the_next_request_is_served(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(EngineFailed):
        await bench.ask("hello", model=tmp_path)

    assert (await bench.ask("hello")).end.completion_tokens == 16


def test_a_missing_openblas_is_only_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(openblas, "NAMES", ("libnot_there.so.0",))

    backend.prepare(tmp_path)

    assert "OpenBLAS not found" in caplog.text


def test_compiled_kernels_lie_in_the_data_folder_s_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLX_PTX_CACHE_DIR", raising=False)

    backend.prepare(tmp_path / "cache")

    assert backend.kernels() == tmp_path / "cache" / "kernels"
    assert backend.kernels().is_dir()


def test_what_the_cuda_backend_reads_is_set_before_mlx_is_and_another_s_word_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in backend.CUDA:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLX_CUDA_GRAPH_CACHE_SIZE", "7")

    backend.prepare(tmp_path)

    assert {name: os.environ[name] for name in backend.CUDA} == backend.CUDA | {"MLX_CUDA_GRAPH_CACHE_SIZE": "7"}


@pytest.mark.parametrize(("installed", "budget"), [(4, 3), (8, 3), (16, 4), (32, 8), (48, 12), (256, 12)])
def test_the_memory_budget_is_a_quarter_of_the_memory_within_3_and_12_gibibytes(
    monkeypatch: pytest.MonkeyPatch, installed: int, budget: int
) -> None:
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": installed << 18}
    monkeypatch.setattr("os.sysconf", pages.__getitem__)

    assert backend.memory_budget() == budget << 30


@pytest.mark.parametrize("priority", list(RequestPriority))
async def test_a_schema_that_cannot_be_enforced_is_refused_also_where_the_model_had_to_be_loaded_first(
    bench: Bench, priority: RequestPriority
) -> None:
    await bench.engine.unload_model()

    with pytest.raises(InvalidSchema):
        await bench.ask("hello", priority=priority, schema={"type": "object", "$ref": "#/nowhere"})

    assert (await bench.ask("hello", priority=priority, schema={"type": "boolean"})).text in ("true", "false")
