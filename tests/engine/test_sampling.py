"""Each row draws by its own temperature, nucleus and seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

LOGITS = [2.0, 1.0, 0.0, -1.0, -8.0]

pytestmark = pytest.mark.usefixtures("prepared")


def draws(count: int, **sampling: Any) -> list[int]:
    import mlx.core as mx

    from sidecar.engine.sampling import RowSampler, Sampling

    sampler = RowSampler(Sampling(**{"temperature": 1.0, "seed": 1} | sampling))
    logits = mx.array([LOGITS])
    return [int(np.array(sampler(mx.array([0]), logits)).argmax()) for _ in range(count)]


def frequencies(tokens: list[int]) -> Any:
    return np.bincount(tokens, minlength=len(LOGITS)) / len(tokens)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_come_as_often_as_the_softmax_says(temperature: float) -> None:
    expected = np.exp(np.array(LOGITS) / temperature)
    expected /= expected.sum()

    assert frequencies(draws(1500, temperature=temperature)) == pytest.approx(expected, abs=0.05)


def test_only_one_token_is_left_for_the_batch_to_pick() -> None:
    import mlx.core as mx

    from sidecar.engine.sampling import RowSampler, Sampling

    left = RowSampler(Sampling(temperature=1.0, seed=3))(mx.array([0]), mx.array([LOGITS]))

    assert sorted(np.array(left)[0].tolist()) == [-math.inf] * 4 + [0.0]


def test_top_p_keeps_the_likeliest_tokens_that_reach_it() -> None:
    # Softmax of LOGITS is 0.64, 0.24, 0.09, 0.03, 0.00.
    assert set(draws(300, top_p=0.6)) == {0}
    assert set(draws(300, top_p=0.65)) == {0, 1}
    assert set(draws(300, top_p=0.9)) == {0, 1, 2}
    assert set(draws(20, top_p=0.0)) == {0}


def test_top_k_keeps_that_many() -> None:
    assert set(draws(300, top_k=2)) == {0, 1}
    assert set(draws(20, top_k=1)) == {0}
    assert set(draws(300, top_k=5)) == set(draws(300, top_k=99)) == set(draws(300)) == {0, 1, 2, 3}


def test_min_p_keeps_those_that_likely_in_relation_to_the_likeliest() -> None:
    # Relative to the likeliest: 1, 0.37, 0.14, 0.05, 0.00.
    assert set(draws(300, min_p=0.3)) == {0, 1}
    assert set(draws(300, min_p=0.1)) == {0, 1, 2}


def test_what_is_kept_is_drawn_as_often_as_its_share() -> None:
    expected = np.exp(np.array(LOGITS[:2]))
    expected /= expected.sum()

    for members in ({"top_k": 2}, {"min_p": 0.3}, {"top_p": 0.65}, {"top_k": 3, "min_p": 0.3}):
        assert frequencies(draws(1500, **members))[:2] == pytest.approx(expected, abs=0.05)


def test_penalties_count_the_answer_s_own_tokens() -> None:
    import mlx.core as mx

    from sidecar.engine.sampling import RowSampler, Sampling

    def greedy(**penalties: Any) -> list[int]:
        sampler = RowSampler(Sampling(temperature=0.0, **penalties))
        logits, chosen = mx.array([LOGITS]), []
        chosen.append(int(np.array(sampler(mx.array([3, 3, 3]), logits)).argmax()))
        for _ in range(4):
            chosen.append(int(np.array(sampler.next_token(chosen[-1], logits))[0, 0]))
        return chosen

    # The prompt's token 3 counts for nothing.
    assert greedy(presence_penalty=1.5) == [0, 1, 0, 0, 0]
    assert greedy(frequency_penalty=0.75) == [0, 0, 1, 0, 1]
    assert greedy(presence_penalty=-2) == [0] * 5


def test_penalties_count_each_token_that_the_answer_began_with() -> None:
    import mlx.core as mx

    from sidecar.engine.sampling import RowSampler, Sampling

    def begun(tokens: list[int]) -> int:
        sampler = RowSampler(Sampling(temperature=0.0, frequency_penalty=0.75), None, tokens)
        return int(np.array(sampler(mx.array([3]), mx.array([LOGITS]))).argmax())

    assert [begun(tokens) for tokens in ([], [0], [0, 0], [0, 0, 1, 1], [0, 0, 0, 1, 1])] == [0, 0, 1, 0, 2]


def test_a_mask_has_one_bit_for_each_token() -> None:
    import mlx.core as mx

    from sidecar.engine.sampling import OUTSIDE, _unpacked, penalty  # the one of CPUs, and that of GPUs

    bits = [number % 3 == 0 for number in range(70)]
    packed = np.packbits(bits, bitorder="little").tobytes().ljust(12, b"\xff")

    expected = [0 if bit else OUTSIDE for bit in bits]
    assert np.array(penalty(packed, 70))[0] == pytest.approx(expected)
    assert np.array(_unpacked(mx.array(np.frombuffer(packed, dtype=np.uint32))))[:70] == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
def test_a_large_vocabulary_has_the_nucleus_that_sorting_it_gives(temperature: float) -> None:
    import mlx.core as mx

    from sidecar.engine.sampling import RowSampler, Sampling, nucleus

    logits = 3 * mx.random.normal((1, 20_000), key=mx.random.key(4))
    inside = np.array(nucleus(logits / temperature, 0.5))[0] > -math.inf
    sampler = RowSampler(Sampling(temperature=temperature, top_p=0.5, seed=2))

    drawn = [int(np.array(sampler(mx.array([0]), logits)).argmax()) for _ in range(200)]

    assert all(inside[token] for token in drawn)
    # From all over the nucleus: also its less likely half is drawn from.
    likely = np.sort(np.array(logits)[0][inside])[::-1]
    assert min(np.array(logits)[0][drawn]) <= likely[len(likely) // 2]


def test_the_same_seed_draws_the_same() -> None:
    assert draws(50, seed=5) == draws(50, seed=5)


def test_other_seeds_draw_otherwise() -> None:
    assert len({tuple(draws(20, seed=seed)) for seed in (0, 1, 2, -1, 2**63 - 1, -(2**63), 10**30)}) == 7


def test_positions_draw_independently() -> None:
    from sidecar.engine.sampling import draw_seed

    seeds = {draw_seed(seed, position) for seed in range(50) for position in range(50)}

    assert len(seeds) == 2500
    assert all(0 <= seed < 1 << 64 for seed in seeds)


def test_a_fault_is_kept_and_not_raised_into_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    import mlx.core as mx

    from sidecar.engine import sampling

    def broken(seed: int, position: int) -> int:
        raise ArithmeticError

    monkeypatch.setattr(sampling, "draw_seed", broken)
    sampler = sampling.RowSampler(sampling.Sampling(temperature=1.0, seed=1))

    assert int(np.array(sampler(mx.array([0]), mx.array([LOGITS]))).argmax()) == int(np.argmax(LOGITS))
    assert isinstance(sampler.error, ArithmeticError)
