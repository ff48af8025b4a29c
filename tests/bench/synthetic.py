"""Model repositories with random weights: `python -m tests.bench.synthetic GEOMETRY FOLDER` writes one.

They are what the benchmarks' figures are measured on: time and memory depend on the shape, never on what was learnt.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.bench.geometry import CONTEXT, GEOMETRIES, Geometry
from tests.bench.vocabulary import build_tokenizer, write_tokenizer

_TEMPLATE = Path(__file__).parents[1] / "demo_model" / "chat_template.jinja"
_SEED = 4

# Of Qwen3-VL-4B-Instruct.
_PREPROCESSOR: dict[str, Any] = {
    "image_processor_type": "Qwen2VLImageProcessorFast",
    "processor_class": "Qwen3VLProcessor",
    "patch_size": 16,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "size": {"shortest_edge": 65_536, "longest_edge": 16_777_216},
    "min_pixels": 65_536,
    "max_pixels": 16_777_216,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}


def write_repository(folder: Path, geometry: Geometry) -> None:
    """Writes all files of a model repository into `folder`. Greedy answers run to their limit and are whole text."""
    folder.mkdir(parents=True)
    write_tokenizer(folder, geometry.words, CONTEXT)
    shutil.copy(_TEMPLATE, folder / "chat_template.jinja")
    config = geometry.config()
    generation = {name: config[name] for name in ("eos_token_id", "pad_token_id")} | {"do_sample": False}
    video = {name: value for name, value in _PREPROCESSOR.items() if name != "image_processor_type"}
    for name, content in {
        "config.json": config,
        "generation_config.json": generation,
        "preprocessor_config.json": _PREPROCESSOR,
        "video_preprocessor_config.json": video | {"video_processor_type": "Qwen3VLVideoProcessor"},
    }.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    _write_weights(folder / "model.safetensors", geometry, config)


def _write_weights(file: Path, geometry: Geometry, config: dict[str, Any]) -> None:
    import mlx.core as mx
    from mlx.nn.layers.quantized import quantize
    from mlx.utils import tree_flatten
    from mlx_vlm.models.qwen3_vl.config import ModelConfig
    from mlx_vlm.models.qwen3_vl.qwen3_vl import Model

    mx.random.seed(_SEED)
    model = Model(ModelConfig.from_dict(config))
    embedding = model.language_model.model.embed_tokens
    embedding.weight *= mx.array(_drawn(geometry))[:, None]
    if geometry.bits is not None:
        model.set_dtype(mx.bfloat16)
        quantize(model.language_model, group_size=64, bits=geometry.bits)
    weights = dict(tree_flatten(model.parameters()))
    for array in weights.values():  # one after the other: all at once would need the memory of the whole in float32
        mx.eval(array)
    mx.save_safetensors(str(file), weights, {"format": "mlx"})


def _drawn(geometry: Geometry) -> list[float]:
    """1 for the tokens that answers may consist of, 0 for all others: as input and output layer are one, the likeliest
    token is never one with an embedding of zeros. So no answer ends, and none holds half a character."""
    vocabulary = build_tokenizer(geometry.words).get_vocab(with_added_tokens=False)
    drawn = [0.0] * geometry.rows
    for token, at in vocabulary.items():
        drawn[at] = float(token.lstrip("Ġ").isascii())
    return drawn


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.synthetic", description=__doc__)
    parser.add_argument("geometry", choices=GEOMETRIES)
    parser.add_argument("folder", type=Path, help="must not exist yet")
    options = parser.parse_args()
    write_repository(options.folder, GEOMETRIES[options.geometry])
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # the interpreter's own exit can abort after MLX has run
