"""The demo model's shape: Qwen3-VL with every part present and small, as the files a model repository holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PATCH = 16  # pixels; the vision tower sees squares of this side, and 2 × 2 of them become one token
MIN_PATCHES = 256  # of one picture after resizing: small pictures are enlarged, so that a small shape spans patches
MAX_PATCHES = 576  # so a picture costs at most 144 tokens
CONTEXT = 4096  # tokens

VISION: dict[str, Any] = {
    "model_type": "qwen3_vl",
    "depth": 4,
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_heads": 4,
    "out_hidden_size": 256,
    "in_channels": 3,
    "patch_size": PATCH,
    "spatial_patch_size": PATCH,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
    "num_position_embeddings": 256,
    "deepstack_visual_indexes": [1, 2],
    "hidden_act": "gelu_pytorch_tanh",
    "initializer_range": 0.02,
}

TEXT: dict[str, Any] = {
    "model_type": "qwen3_vl_text",
    "num_hidden_layers": 6,
    "hidden_size": 256,
    "intermediate_size": 640,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "rms_norm_eps": 1e-6,
    "rope_theta": 100000.0,
    "rope_scaling": {"rope_type": "default", "mrope_interleaved": True, "mrope_section": [12, 10, 10]},
    "max_position_embeddings": CONTEXT,
    "attention_bias": False,
    "hidden_act": "silu",
    "tie_word_embeddings": True,
    "dtype": "float16",
    "initializer_range": 0.02,
}

PREPROCESSOR: dict[str, Any] = {
    "image_processor_type": "Qwen2VLImageProcessorFast",
    "processor_class": "Qwen3VLProcessor",
    "patch_size": PATCH,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "min_pixels": MIN_PATCHES * PATCH * PATCH,
    "max_pixels": MAX_PATCHES * PATCH * PATCH,
    "size": {"shortest_edge": MIN_PATCHES * PATCH * PATCH, "longest_edge": MAX_PATCHES * PATCH * PATCH},
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}


def model_config(token_ids: dict[str, int], vocabulary: int) -> dict[str, Any]:
    """The `config.json` of the model: `token_ids` maps Qwen's special tokens to their ids, `vocabulary` counts all
    tokens."""
    return {
        "architectures": ["Qwen3VLForConditionalGeneration"],
        "model_type": "qwen3_vl",
        "dtype": "float16",
        "tie_word_embeddings": True,
        "vocab_size": vocabulary,
        "eos_token_id": [token_ids["<|im_end|>"], token_ids["<|endoftext|>"]],
        "pad_token_id": token_ids["<|endoftext|>"],
        "image_token_id": token_ids["<|image_pad|>"],
        "video_token_id": token_ids["<|video_pad|>"],
        "vision_start_token_id": token_ids["<|vision_start|>"],
        "vision_end_token_id": token_ids["<|vision_end|>"],
        "text_config": {**TEXT, "vocab_size": vocabulary, "eos_token_id": token_ids["<|im_end|>"]},
        "vision_config": VISION,
    }


def write_configuration(folder: Path, token_ids: dict[str, int], vocabulary: int) -> None:
    """Writes the JSON files beside the weights and the tokenizer into `folder`."""
    config = model_config(token_ids, vocabulary)
    generation = {
        "bos_token_id": token_ids["<|endoftext|>"],
        "eos_token_id": config["eos_token_id"],
        "pad_token_id": config["pad_token_id"],
        "do_sample": False,
    }
    video = {**PREPROCESSOR, "video_processor_type": "Qwen3VLVideoProcessor"}
    del video["image_processor_type"]
    for name, content in {
        "config.json": config,
        "generation_config.json": generation,
        "preprocessor_config.json": PREPROCESSOR,
        "video_preprocessor_config.json": video,
    }.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
