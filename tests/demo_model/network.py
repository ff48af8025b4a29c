"""The forward pass for training: mlx-vlm's own modules, called on whole padded batches.

mlx-vlm walks through pictures and rows one by one, with a synchronisation each; here a step is one graph.
`test_network.py` holds both to the same logits.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx

Arrays = dict[str, mx.array]


def _rotate(x: mx.array, cosine: mx.array, sine: mx.array) -> mx.array:
    half = x.shape[-1] // 2
    turned = mx.concatenate([-x[..., half:], x[..., :half]], axis=-1)
    return x * cosine + turned * sine


def vision_features(tower: Any, pictures: Arrays) -> list[mx.array]:
    """The merged features, then each deepstack layer's: (pictures × MERGED, text width) each, padding included."""
    weight = tower.patch_embed.proj.weight.sum(axis=1)  # both moments of a still picture are the same
    width = weight.shape[0]
    pixels = (pictures["pixels"].astype(mx.float32) / 255 - 0.5) / 0.5
    h = pixels @ weight.transpose(3, 1, 2, 0).reshape(-1, width) + tower.patch_embed.proj.bias
    h = h + (tower.pos_embed(pictures["embedding_index"]) * pictures["embedding_weight"][..., None]).sum(axis=-2)
    angles = mx.concatenate([pictures["angles"]] * 2, axis=-1)[:, None]
    cosine, sine = mx.cos(angles), mx.sin(angles)
    unseen = mx.where(pictures["present"], 0.0, -1e9)[:, None, None]
    deep = []
    for layer, block in enumerate(tower.blocks):
        count, patches, _ = h.shape
        attention = block.attn
        qkv = attention.qkv(block.norm1(h)).reshape(count, patches, 3, attention.num_heads, -1).transpose(2, 0, 3, 1, 4)
        q, k = _rotate(qkv[0], cosine, sine), _rotate(qkv[1], cosine, sine)
        seen = mx.softmax(q @ k.swapaxes(-1, -2) * attention.scale + unseen, axis=-1) @ qkv[2]
        h = h + attention.proj(seen.transpose(0, 2, 1, 3).reshape(count, patches, -1))
        h = h + block.mlp(block.norm2(h))
        if layer in tower.deepstack_visual_indexes:
            deep.append(tower.deepstack_merger_list[tower.deepstack_visual_indexes.index(layer)](h))
    return [tower.merger(h), *deep]


def logits(model: Any, batch: Arrays, pictures: Arrays | None) -> mx.array:
    """(rows, tokens, vocabulary); `batch` and `pictures` are the arrays of `encoding.Batch` by their names."""
    language = model.language_model.model
    h = language.embed_tokens(batch["ids"])
    shown: list[mx.array] = []
    if pictures is not None:
        merged, *deep = (
            mx.concatenate([f, mx.zeros_like(f[:1])]) for f in vision_features(model.vision_tower, pictures)
        )
        h = mx.where((batch["features"] < merged.shape[0] - 1)[..., None], merged[batch["features"]], h)
        shown = [feature[batch["features"]] for feature in deep]
    turns = language.layers[0].self_attn.rotary_emb(h, batch["positions"])
    for i, layer in enumerate(language.layers):
        h = layer(h, "causal", None, batch["positions"], turns)
        if i < len(shown):
            h = h + shown[i]
    scores: mx.array = language.embed_tokens.as_linear(language.norm(h))
    return scores
