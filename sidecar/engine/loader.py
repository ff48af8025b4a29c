"""A model's folder, loaded. Imports MLX: for the engine thread only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_reduce
from mlx_vlm.models.qwen3_vl.processing_qwen3_vl import Qwen3VLProcessor
from mlx_vlm.utils import load_model

from sidecar.engine import grammar, head, kv_cache, vision_tower
from sidecar.engine.backend import Device
from sidecar.engine.boundary import Boundary
from sidecar.engine.decoder import EvaluatedLayer
from sidecar.engine.features import FeatureCache
from sidecar.engine.grammars import Grammars
from sidecar.engine.memory import Memory, Shape, feature_cache_bytes
from sidecar.engine.prompt import PromptTemplate
from sidecar.engine.request import KvBits, RequestPriority
from sidecar.engine.text import TokenBytes, byte_alphabet
from sidecar.engine.tools import TAGS
from sidecar.engine.trials import Trials
from sidecar.errors import EngineFailed

MODEL_TYPE = "qwen3_vl"

# Members of config.json by which mlx-vlm or transformers would run Python code that lies in the folder.
CODE_MEMBERS = ("model_file", "auto_map")

MIN_CONTEXT_TOKENS = 4096  # promised even where the memory budget says less
KV_BITS = 8  # where keys and values are quantised


@dataclass(frozen=True)
class LoadedModel:
    """All that answering needs. `context_tokens` is what prompt and answer may have together, `kv_bits` how many bits
    a number of keys and values has, of people's rows and of the background's; None: the model's own type."""

    path: Path
    model: Any
    boundary: Boundary
    image_processor: Any
    features: FeatureCache
    template: PromptTemplate
    vocabulary: grammar.Vocabulary
    grammars: Grammars
    token_bytes: TokenBytes
    end_tokens: frozenset[int]
    memory: Memory
    kv_bits: Mapping[RequestPriority, int | None]
    context_tokens: int
    temperature: float
    top_p: float
    top_k: int


def load(
    path: Path,
    device: Device,
    budget_bytes: int,
    heartbeat: Callable[[], None] = lambda: None,
    *,
    kv_bits: KvBits | None = None,
) -> LoadedModel:
    """Loads the Qwen3-VL model in the folder `path`, safetensors only, without network and without any code of it.
    `heartbeat` is called between the blocks of what it computes later; `kv_bits`, of people's rows and of the
    background's, is chosen by device and budget unless named.

    Raises:
        EngineFailed: the folder does not hold such a model; `details.reason` says why.
    """
    config = _checked_config(path)
    trials = Trials()
    trials.start()  # beside the load, so that the first token finds nothing of it in its way
    model = load_model(path, lazy=True)
    if model.vision_tower is None:
        raise EngineFailed("the model has no vision tower", reason="incomplete")
    if device == "cpu":
        model.set_dtype(mx.float32)  # MLX's only fast path on the CPU; quantised weights keep their bits
    mx.eval(model.parameters())
    processor = Qwen3VLProcessor.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    memory = _memory(model, budget_bytes, device)
    most = int(model.config.text_config.max_position_embeddings)
    high, low = kv_bits or _kv_bits(memory, device, most)
    tokenizer = processor.tokenizer
    text = model.language_model.model
    boundary = Boundary(every_token=device == "cpu", ahead=memory.ahead, heartbeat=heartbeat)
    text.layers = [EvaluatedLayer(layer, boundary) for layer in text.layers]
    vision_tower.cut(model.vision_tower, boundary, memory)
    if device == "cpu":  # where a step is cut into stretches
        head.cut(model.language_model, boundary)
    generation = _json(path / "generation_config.json")
    samples = generation.get("do_sample", False)
    ends = _end_tokens(tokenizer, config, generation)
    vocabulary = grammar.vocabulary(tokenizer, model.config.text_config.vocab_size, ends)
    return LoadedModel(
        path=path,
        model=model,
        boundary=boundary,
        image_processor=processor.image_processor,
        features=FeatureCache(feature_cache_bytes(budget_bytes)),
        template=PromptTemplate(tokenizer, model.config.image_token_id),
        vocabulary=vocabulary,
        grammars=Grammars(vocabulary, trials),
        token_bytes=_token_bytes(tokenizer),
        end_tokens=ends,
        memory=memory,
        kv_bits={RequestPriority.HIGH: high, RequestPriority.LOW: low},
        context_tokens=min(most, max(MIN_CONTEXT_TOKENS, min(memory.room(high, most), memory.room(low, most)))),
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


def _memory(model: Any, budget: int, device: Device) -> Memory:
    text, width = model.config.text_config, int(model.language_model.model.norm.weight.dtype.size)
    vision = model.config.vision_config
    vision_width = int(model.vision_tower.patch_embed.proj.weight.dtype.size)
    levels = 1 + len(vision.deepstack_visual_indexes)
    return Memory(
        budget=budget,
        weights=tree_reduce(lambda total, array: total + int(array.nbytes), model.parameters(), 0),  # type: ignore[no-untyped-call]
        text=Shape.of_text(text, width),
        layers=int(text.num_hidden_layers),
        vision=Shape.of_vision(vision, vision_width),
        fused=device == "metal",  # on CUDA cuDNN would be, which is not used (`backend.CUDA`)
        # On Metal it was never measured, and there is no memory for it within the smallest budget.
        ahead=device == "cuda",
        bytes_by_bits={bits: kv_cache.bytes_a_position(text, width, bits) for bits in (None, KV_BITS)},
        bytes_a_visual_token=int(vision.out_hidden_size) * levels * vision_width,
    )


def _kv_bits(memory: Memory, device: Device, most: int) -> KvBits:
    """Of people's rows and the background's. Only Metal has fast kernels for quantised ones: CUDA has none, on a CPU
    they take many times as long (measured). People get them where a short chat would not fit otherwise."""
    if device != "metal":
        return None, None
    return (KV_BITS if memory.room(None, most) < min(most, MIN_CONTEXT_TOKENS) else None), KV_BITS


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
