"""A model's folder, loaded. Imports MLX: for the engine thread only."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx_vlm.models.qwen3_vl.processing_qwen3_vl import Qwen3VLProcessor
from mlx_vlm.utils import load_model

from sidecar.engine import grammar
from sidecar.engine.backend import Device
from sidecar.engine.boundary import Boundary
from sidecar.engine.decoder import ChunkedDecoder, EvaluatedLayer
from sidecar.engine.features import FeatureCache, cache_bytes
from sidecar.engine.prompt import PromptTemplate
from sidecar.engine.text import TokenBytes, byte_alphabet
from sidecar.engine.tools import TAGS
from sidecar.errors import EngineFailed

MODEL_TYPE = "qwen3_vl"

# Members of config.json by which mlx-vlm or transformers would run Python code that lies in the folder.
CODE_MEMBERS = ("model_file", "auto_map")

MIN_CONTEXT_TOKENS = 2048  # promised even where the memory budget says less


@dataclass(frozen=True)
class LoadedModel:
    """All that answering needs. `context_tokens` is what prompt and answer may have together."""

    path: Path
    model: Any
    boundary: Boundary
    decoder: ChunkedDecoder
    image_processor: Any
    features: FeatureCache
    template: PromptTemplate
    vocabulary: grammar.Vocabulary
    token_bytes: TokenBytes
    end_tokens: frozenset[int]
    context_tokens: int
    temperature: float
    top_p: float
    top_k: int


def load(path: Path, device: Device, budget_bytes: int, heartbeat: Callable[[], None] = lambda: None) -> LoadedModel:
    """Loads the Qwen3-VL model in the folder `path`, safetensors only, without network and without any code of it.
    `heartbeat` is called between the blocks of what it computes later.

    Raises:
        EngineFailed: the folder does not hold such a model; `details.reason` says why.
    """
    config = _checked_config(path)
    model = load_model(path, lazy=True)
    if model.vision_tower is None:
        raise EngineFailed("the model has no vision tower", reason="incomplete")
    if device == "cpu":
        model.set_dtype(mx.float32)  # MLX's only fast path on the CPU; quantised weights keep their bits
    mx.eval(model.parameters())
    processor = Qwen3VLProcessor.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    decoder = ChunkedDecoder(model.language_model)
    bytes_per_token = _kv_bytes_per_token(model)
    tokenizer = processor.tokenizer
    text = model.language_model.model
    boundary = Boundary(every_token=device == "cpu", heartbeat=heartbeat)
    text.layers = [EvaluatedLayer(layer, boundary) for layer in text.layers]
    model.vision_tower.blocks = [EvaluatedLayer(block, boundary) for block in model.vision_tower.blocks]
    generation = _json(path / "generation_config.json")
    samples = generation.get("do_sample", False)
    ends = _end_tokens(tokenizer, config, generation)
    return LoadedModel(
        path=path,
        model=model,
        boundary=boundary,
        decoder=decoder,
        image_processor=processor.image_processor,
        features=FeatureCache(cache_bytes(budget_bytes)),
        template=PromptTemplate(tokenizer, model.config.image_token_id),
        vocabulary=grammar.vocabulary(tokenizer, model.config.text_config.vocab_size, ends),
        token_bytes=_token_bytes(tokenizer),
        end_tokens=ends,
        context_tokens=min(
            model.config.text_config.max_position_embeddings,
            max(MIN_CONTEXT_TOKENS, (budget_bytes - mx.get_active_memory()) // bytes_per_token),
        ),
        temperature=float(generation.get("temperature", 1.0)) if samples else 0.0,
        top_p=float(generation.get("top_p", 1.0)) if samples else 1.0,
        top_k=int(generation.get("top_k", 0)) if samples else 0,
    )


def _checked_config(path: Path) -> dict[str, Any]:
    config = _json(path / "config.json")
    if not config:
        raise EngineFailed("the model's folder has no readable config.json", reason="incomplete")
    if any(member in config for member in CODE_MEMBERS):
        raise EngineFailed("the model wants to run code of its own", reason="wants_code")
    if config.get("model_type") != MODEL_TYPE:
        raise EngineFailed("not a Qwen3-VL model", reason="unsupported_model")
    shards = set(_json(path / "model.safetensors.index.json").get("weight_map", {}).values())
    # An index may name any file; only safetensors beside it are taken.
    if any(Path(shard).name != shard or not shard.endswith(".safetensors") for shard in shards):
        raise EngineFailed("the model's index names something else than safetensors", reason="not_safetensors")
    missing = [shard for shard in shards if not (path / shard).is_file()]
    if missing or not any(path.glob("*.safetensors")):
        raise EngineFailed("weights are missing", reason="incomplete")
    return config


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _kv_bytes_per_token(model: Any) -> int:
    text = model.config.text_config
    width = model.language_model.model.norm.weight.dtype.size
    return 2 * int(text.num_hidden_layers) * int(text.num_key_value_heads) * int(text.head_dim) * int(width)


def _end_tokens(tokenizer: Any, *configs: dict[str, Any]) -> frozenset[int]:
    ends = {tokenizer.eos_token_id}
    for config in configs:
        named = config.get("eos_token_id")
        ends.update(named if isinstance(named, list) else [named])
    return frozenset(end for end in ends if isinstance(end, int))


def _token_bytes(tokenizer: Any) -> TokenBytes:
    """How this tokenizer's tokens spell bytes. Looked up token by token: a table of 150,000 would cost a third of a
    second of the interpreter's lock at load."""
    alphabet = byte_alphabet()
    # The tags of tool calls are tokens that people may see at other models; here they are read, never shown.
    added = {
        token: b"" if added.special or added.content in TAGS else added.content.encode()
        for token, added in tokenizer.added_tokens_decoder.items()
    }

    def token_bytes(token: int) -> bytes:
        if token in added:
            return added[token]
        spelling = tokenizer.convert_ids_to_tokens(token)
        return bytes(alphabet[character] for character in spelling) if spelling is not None else b""

    if (decoder := tokenizer.backend_tokenizer.decoder) is None or not type(decoder).__name__ == "ByteLevel":
        raise EngineFailed("the model's tokenizer is not byte-level BPE", reason="unsupported_model")
    return token_bytes
