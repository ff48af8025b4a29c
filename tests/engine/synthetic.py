"""A Qwen3-VL with random weights, of any geometry, with the demo model's tokenizer: for mechanics, not for sense."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from sidecar.engine.text import byte_alphabet

DEMO_MODEL = Path(__file__).parents[1] / "demo_model" / "model"
DEMO_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "preprocessor_config.json")

# An output layer of its own: one tied to random embeddings repeats the last token for ever.
SMALL = {"num_hidden_layers": 4, "hidden_size": 128, "intermediate_size": 256, "tie_word_embeddings": False}


def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(DEMO_MODEL / "tokenizer.json"))


def token(added: str) -> int:
    """The number of one of the tokenizer's own tokens."""
    number = tokenizer().token_to_id(added)
    assert number is not None
    return int(number)


def tokens() -> dict[bytes, int]:
    """The number of each ordinary token, by its bytes."""
    alphabet = byte_alphabet()
    vocabulary = tokenizer().get_vocab(with_added_tokens=False)
    return {bytes(alphabet[character] for character in spelling): number for spelling, number in vocabulary.items()}


def write_model(folder: Path, *, seed: int = 7, text: dict[str, Any] | None = None, bits: int | None = None) -> Path:
    """Writes a model into `folder` and returns it. `text` replaces members of the demo model's `text_config`; with
    `bits` the text model is quantised as mlx-vlm's converter does, in groups of 64."""
    import mlx.core as mx
    from mlx.nn.layers.quantized import quantize
    from mlx.utils import tree_flatten
    from mlx_vlm.models.qwen3_vl.config import ModelConfig
    from mlx_vlm.models.qwen3_vl.qwen3_vl import Model

    folder.mkdir(parents=True, exist_ok=True)
    for name in DEMO_FILES:
        shutil.copy(DEMO_MODEL / name, folder / name)
    config = json.loads((DEMO_MODEL / "config.json").read_text())
    config["text_config"] |= SMALL | (text or {})
    config["vision_config"] |= {"out_hidden_size": config["text_config"]["hidden_size"]}
    mx.random.seed(seed)
    model = Model(ModelConfig.from_dict(config))
    # Initial weights are timid: louder ones make each token and each picture matter to what follows, and some tokens
    # much likelier than others.
    model.language_model.model.embed_tokens.weight *= 8
    model.language_model.lm_head.weight *= 4
    model.language_model.lm_head.weight[mx.array(config["eos_token_id"])] = 0.0  # answers run to their limit
    if bits is not None:
        quantize(model.language_model, group_size=64, bits=bits)
        config["quantization"] = {"group_size": 64, "bits": bits}
    (folder / "config.json").write_text(json.dumps(config))
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())))
    return folder
