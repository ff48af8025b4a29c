"""The usual requests, answered once before anybody asks. Imports MLX: for the engine thread only.

On CUDA kernels are compiled when they are first met: up to 90 s at the very start, 1–24 s for a new kind of shape
later, in the middle of somebody's request (measured). They are kept on disk, so only the first load of all takes so
long.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np

from sidecar.engine.admission import admit, reading
from sidecar.engine.lane import MOST_ROWS
from sidecar.engine.lanes import Lanes
from sidecar.engine.loader import LoadedModel
from sidecar.engine.request import GenerationRequest, Job, ModelFolder, RequestPriority
from sidecar.worker.picture import Picture

HIGH, LOW = RequestPriority.HIGH, RequestPriority.LOW

SCHEMA = {"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "string"}}}}
# How answers are drawn: greedily, from the model's own default, within a schema, with all that looks at the logits.
MEMBERS: tuple[dict[str, Any], ...] = (
    {"temperature": 0.0},
    {"temperature": 0.7, "top_p": 0.8, "top_k": 20, "seed": 1},
    {"temperature": 0.0, "schema": SCHEMA},
    {"temperature": 1.0, "min_p": 0.05, "presence_penalty": 1.0, "logit_bias": {0: 1.0}, "top_logprobs": 5, "seed": 1},
)
SIDES = (1024, 448)  # pixels: a person's picture, and the background's
TOKENS = 4


GRAPHS = "3"
"""Changed with what is computed here: other graphs are other kernels."""


def once(model: LoadedModel, kernels: Path, progress: Callable[[float], None]) -> None:
    """Runs it, unless the folder holds this model's kernels already."""
    made = kernels / f"{_fingerprint(model)}.warm"
    if not made.exists():
        run(model, progress)
        made.touch()


def _fingerprint(model: LoadedModel) -> str:
    of = (
        GRAPHS,
        version("mlx"),
        version("mlx-vlm"),
        str(model.memory.chunk(None)),
        str(mx.device_info()["device_name"]),
        (model.path / "config.json").read_text(encoding="utf-8"),
    )
    return hashlib.sha256("\n".join(of).encode()).hexdigest()[:16]


def run(model: LoadedModel, progress: Callable[[float], None]) -> None:
    """`progress` is told what part of it is done, from 0 to 1."""
    lanes = Lanes(model)
    groups = list(_groups(model))
    progress(0.0)
    for done, (priority, jobs) in enumerate(groups, start=1):
        lane = lanes.open(priority)
        for job in jobs:
            row = admit(job, reading(job, model)(), model)
            lanes.shrink_prefixes(model.memory.budget)
            if lane and lanes.needed(row) > model.memory.budget:
                break  # so many rows there never are
            lane.begin(row)
            lane.insert(row)
            while lane.reads_prompt:
                lane.step()
        while lane:
            lane.step()
        progress(done / len(groups))
    lanes.close_all()
    model.features.clear()
    mx.clear_cache()
    mx.reset_peak_memory()


def _groups(model: LoadedModel) -> Iterator[tuple[RequestPriority, list[Job]]]:
    chunk = model.memory.chunk(None)
    for members in MEMBERS:
        yield HIGH, [_job(model, HIGH, chunk + chunk // 2, members)]
    for priority, side in zip((HIGH, LOW), SIDES, strict=True):
        yield priority, [_job(model, priority, chunk, MEMBERS[1], side)]
    yield HIGH, [_job(model, HIGH, chunk // 4 + number, MEMBERS[0]) for number in range(2)]
    # One after the other, so that every number of rows is met.
    for drawn in (MEMBERS[0], MEMBERS[2]):
        rows = range(MOST_ROWS)
        yield LOW, [_job(model, LOW, chunk // 2 + row, drawn, tokens=MOST_ROWS * TOKENS) for row in rows]


def _job(
    model: LoadedModel,
    priority: RequestPriority,
    words: int,
    members: dict[str, Any],
    side: int | None = None,
    tokens: int = TOKENS,
) -> Job:
    content: list[dict[str, Any]] = [{"type": "text", "text": "one " * words}]
    pictures = []
    if side is not None:
        content.append({"type": "image_url", "image_url": {"url": "data:,"}})
        pictures.append(Picture(side, side, np.zeros((side, side, 3), dtype=np.uint8).tobytes()))
    request = GenerationRequest(
        request_id="warm-up",
        messages=[{"role": "user", "content": content}],
        priority=priority,
        max_tokens=tokens,
        **members,
    )
    rules = model.grammars.compiled(request) if request.is_constrained else None
    return Job(ModelFolder(model.path, model.path.name), request, pictures, lambda _: None, rules)
