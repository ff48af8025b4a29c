"""The keys and values of the positions a row has read, layer by layer. Imports MLX: for the engine thread only.

A row's are a list of one mlx-vlm cache for each layer: plain, or quantised to 8 bits. Quantised ones are there in
batches only, so a single row is a batch of one; the last layer stays plain, as mlx-vlm has it
(`should_quantize_kv_layer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mlx.core as mx
from mlx_vlm.models.cache import BatchQuantizedKVCache, KVCache, QuantizedKVCache, should_quantize_kv_layer

GROUP = 64  # values that share a scale and a bias when quantised

Layers = Sequence[Any]


def empty(layers: int, bits: int | None = None) -> list[Any]:
    """Of a row that has read nothing. `bits` None keeps the model's own type."""
    return [
        BatchQuantizedKVCache([0], group_size=GROUP, bits=bits)
        if bits is not None and should_quantize_kv_layer(layer, layers)
        else KVCache()
        for layer in range(layers)
    ]


def beginning(of: Layers, positions: int) -> list[Any]:
    """Of a row that begins with the first `positions` of another's; that one is not changed by what this one reads."""
    return [_beginning(layer, positions) for layer in of]


def _beginning(layer: Any, positions: int) -> Any:
    # Slices are new arrays even where they take all: writing into one leaves the array it was taken from alone.
    begun: Any
    if isinstance(layer, QuantizedKVCache):
        begun = BatchQuantizedKVCache([0], group_size=layer.group_size, bits=layer.bits)
        begun.keys, begun.values = (tuple(part[..., :positions, :] for part in of) for of in (layer.keys, layer.values))
        begun._idx, begun.offset = positions, mx.array([positions])
        return begun
    begun = KVCache()
    begun.keys, begun.values = layer.keys[..., :positions, :], layer.values[..., :positions, :]
    begun.offset = positions
    return begun


def copied(batch: Layers, row: int) -> list[Any]:
    """One row's out of a batch's, computed layer by layer, so that not all of them are there twice for a while."""
    layers = []
    for layer in batch:
        layers.append(layer.extract(row))
        mx.eval(layers[-1].keys, layers[-1].values)
    return layers


def cut(of: Layers, positions: int) -> list[Any]:
    """The first `positions`, and no more memory than they need."""
    return copied(beginning(of, positions), 0)


def nbytes(of: Layers) -> int:
    return sum(int(layer.nbytes) for layer in of)


def bytes_a_position(config: Any, width: int, bits: int | None = None) -> int:
    """What one position of one row takes: keys and values of all layers, `width` bytes a number; quantised ones
    `bits` a number, and two numbers a group of them."""
    layers = int(config.num_hidden_layers)
    numbers = 2 * int(config.num_key_value_heads) * int(config.head_dim)
    quantised = 0 if bits is None else sum(should_quantize_kv_layer(layer, layers) for layer in range(layers))
    of_quantised = numbers * (bits or 0) // 8 + 2 * width * numbers // GROUP
    return (layers - quantised) * numbers * width + quantised * of_quantised
