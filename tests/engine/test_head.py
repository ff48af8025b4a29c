"""The logits of the whole vocabulary in pieces."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from sidecar.engine.boundary import Boundary

ROWS, HIDDEN, VOCABULARY = 3, 64, 1000


def language_model(*, tied: bool, quantised: bool) -> Any:
    from mlx.nn.layers.embedding import Embedding
    from mlx.nn.layers.linear import Linear

    layer: Any = Embedding(VOCABULARY, HIDDEN) if tied else Linear(HIDDEN, VOCABULARY, bias=False)
    if quantised:
        layer = layer.to_quantized(group_size=32, bits=4)
    inner = SimpleNamespace(embed_tokens=layer if tied else None)
    return SimpleNamespace(args=SimpleNamespace(tie_word_embeddings=tied), model=inner, lm_head=None if tied else layer)


def logits(model: Any, x: Any) -> Any:
    return model.model.embed_tokens.as_linear(x) if model.args.tie_word_embeddings else model.lm_head(x)


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("quantised", [True, False], ids=["quantised", "plain"])
def test_logits_in_pieces_are_the_logits_and_each_piece_gives_way(
    tied: bool, quantised: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlx.core as mx
    import numpy as np

    from sidecar.engine import head

    monkeypatch.setattr(head, "PIECE", 300)
    model = language_model(tied=tied, quantised=quantised)
    x = mx.random.normal((ROWS, 1, HIDDEN))
    whole = np.array(logits(model, x))
    boundary = Boundary(every_token=True)
    ways = count()

    head.cut(model, boundary)
    alone = np.array(logits(model, x))
    with boundary.background(lambda: next(ways) >= 0):
        beside = np.array(logits(model, x))

    assert alone.shape == (ROWS, 1, VOCABULARY)
    np.testing.assert_allclose(alone, whole, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(beside, alone)
    assert next(ways) == 4
    if tied:
        tokens = mx.array([5, 999])
        assert model.model.embed_tokens(tokens).shape == (2, HIDDEN)


def test_the_logits_of_a_prompt_which_nobody_draws_from_are_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    import mlx.core as mx

    from sidecar.engine import head

    monkeypatch.setattr(head, "PIECE", 300)
    model, tokens = language_model(tied=True, quantised=False), 4096
    boundary = Boundary(every_token=True)
    head.cut(model, boundary)
    x = mx.random.normal((1, tokens, HIDDEN))
    mx.eval(x, model.model.embed_tokens.parameters())
    before = mx.get_active_memory()
    mx.reset_peak_memory()

    with boundary.background(lambda: True):
        prompt = logits(model, x)
        while_lazy = mx.get_peak_memory() - before
        mx.eval(prompt)

    computed = tokens * VOCABULARY * 4  # bytes of float32
    assert while_lazy < computed / 10
    assert mx.get_peak_memory() - before >= computed  # the measure sees it when they are
