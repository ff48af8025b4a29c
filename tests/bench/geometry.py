"""The shapes of Qwen3-VL that benchmarks run on, as members of a repository's `config.json`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.bench.vocabulary import QWEN_TOKENS, SPECIAL_TOKENS

CONTEXT = 32_768  # tokens


@dataclass(frozen=True)
class Geometry:
    """One shape. `words` are the tokenizer's ordinary tokens; `rows` of the embedding may be more, as Qwen's are.
    With `bits` the text model is quantised in groups of 64 and the rest is bfloat16; without, all is float32."""

    name: str
    text: dict[str, Any]
    vision: dict[str, Any]
    words: int
    rows: int
    bits: int | None = None

    def config(self) -> dict[str, Any]:
        """The `config.json`."""
        token = {content: self.words + at for at, content in enumerate(SPECIAL_TOKENS)}
        dtype = "float32" if self.bits is None else "bfloat16"
        head = self.text["head_dim"] // 2
        text = {
            "model_type": "qwen3_vl_text",
            "vocab_size": self.rows,
            "eos_token_id": token["<|im_end|>"],
            "max_position_embeddings": CONTEXT,
            "rms_norm_eps": 1e-6,
            "rope_theta": 5_000_000.0,
            "rope_scaling": {
                "rope_type": "default",
                "mrope_interleaved": True,
                "mrope_section": [head - 2 * (head * 5 // 16), head * 5 // 16, head * 5 // 16],
            },
            "attention_bias": False,
            "hidden_act": "silu",
            "tie_word_embeddings": True,
            "dtype": dtype,
        }
        vision = {
            "model_type": "qwen3_vl",
            "out_hidden_size": self.text["hidden_size"],
            "in_channels": 3,
            "patch_size": 16,
            "spatial_patch_size": 16,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "num_position_embeddings": 2304,
            "hidden_act": "gelu_pytorch_tanh",
        }
        return {
            "architectures": ["Qwen3VLForConditionalGeneration"],
            "model_type": "qwen3_vl",
            "dtype": dtype,
            "tie_word_embeddings": True,
            "vocab_size": self.rows,
            "eos_token_id": [token["<|im_end|>"], token["<|endoftext|>"]],
            "pad_token_id": token["<|endoftext|>"],
            "image_token_id": token["<|image_pad|>"],
            "video_token_id": token["<|video_pad|>"],
            "vision_start_token_id": token["<|vision_start|>"],
            "vision_end_token_id": token["<|vision_end|>"],
            "text_config": text | self.text,
            "vision_config": vision | self.vision,
        } | ({} if self.bits is None else {"quantization": {"group_size": 64, "bits": self.bits}})


def _text(layers: int, hidden: int, mlp: int, heads: int, kv_heads: int, head: int) -> dict[str, Any]:
    return {
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "intermediate_size": mlp,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": head,
    }


def _vision(depth: int, hidden: int, mlp: int, heads: int, deepstack: list[int]) -> dict[str, Any]:
    return {
        "depth": depth,
        "hidden_size": hidden,
        "intermediate_size": mlp,
        "num_heads": heads,
        "deepstack_visual_indexes": deepstack,
    }


QWEN_ROWS = 151_936

GEOMETRIES = {
    geometry.name: geometry
    for geometry in (
        # For trying a benchmark out, in seconds.
        Geometry("tiny", _text(2, 128, 256, 2, 1, 64), _vision(2, 64, 128, 2, [0]), words=4096, rows=4096 + 64),
        # 75 million parameters with Qwen's vocabulary: what a CPU is measured with.
        Geometry(
            "mini", _text(8, 384, 1024, 6, 2, 64), _vision(6, 256, 1024, 4, [1, 3]), words=QWEN_TOKENS, rows=QWEN_ROWS
        ),
        # Qwen3-VL-4B-Instruct-3bit, for a GPU.
        Geometry(
            "4b",
            _text(36, 2560, 9728, 32, 8, 128),
            _vision(24, 1024, 4096, 16, [5, 11, 17]),
            words=QWEN_TOKENS,
            rows=QWEN_ROWS,
            bits=3,
        ),
    )
}
