"""The usual requests, answered before anybody asks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.engine import EngineStatus, backend
from tests.engine.conftest import Bench

if TYPE_CHECKING:
    from sidecar.engine.loader import LoadedModel


def test_kernels_on_disk_are_not_made_again(
    random_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine import loader, warm_up

    model = loader.load(random_model, backend.device(), backend.memory_budget())
    runs: list[object] = []
    monkeypatch.setattr(warm_up, "run", lambda *arguments: runs.append(arguments))

    for kernels in (tmp_path / "one", tmp_path / "one", tmp_path / "two"):
        kernels.mkdir(exist_ok=True)
        warm_up.once(model, kernels, lambda _: None)

    assert len(runs) == 2


def test_it_answers_all_and_leaves_nothing_behind(random_model: Path) -> None:
    import mlx.core as mx

    from sidecar.engine import loader, warm_up

    model = loader.load(random_model, backend.device(), backend.memory_budget())
    before = mx.get_active_memory()
    told: list[float] = []

    warm_up.run(model, told.append)

    assert told[0] == 0
    assert told == sorted(told)
    assert told[-1] == 1
    assert not len(model.features)
    assert mx.get_active_memory() - before < 1 << 20


def as_on_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    from sidecar.engine import loader

    load = loader.load
    monkeypatch.setattr(backend, "device", lambda: "cuda")
    monkeypatch.setattr(loader, "load", lambda path, _device, *rest, **more: load(path, "cpu", *rest, **more))


@pytest.mark.parametrize("fails", [False, True])
async def test_on_cuda_the_load_tells_how_far_it_is_and_survives_a_failure(
    tmp_path: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    from sidecar.engine import warm_up

    def breaks(*_: object) -> None:
        raise RuntimeError("a kernel could not be compiled")

    as_on_cuda(monkeypatch)
    if fails:
        monkeypatch.setattr(warm_up, "run", breaks)
    bench = Bench(tmp_path, random_model)

    answer = await bench.ask("hello")

    def progress(status: EngineStatus) -> float | None:
        return status.load_progress

    told = [part for status in bench.announced if (part := progress(status)) is not None]
    bench.engine.close()
    assert answer.end.completion_tokens == 16
    assert bench.engine.status().load_progress is None
    assert told == [] if fails else told[-1] == 1


async def test_a_load_is_not_watched_while_kernels_are_compiled(
    tmp_path: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine import warm_up

    watched = []

    def once(model: LoadedModel, *_: object) -> None:
        model.boundary.passed()  # a first block; the next one's kernels may take minutes
        watched.append(bench.engine._thread._watchdog._busy.is_set())

    as_on_cuda(monkeypatch)
    monkeypatch.setattr(warm_up, "once", once)
    bench = Bench(tmp_path, random_model)

    await bench.ask("hello")

    bench.engine.close()
    assert watched == [False]
