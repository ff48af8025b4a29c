"""A prompt read in chunks gives the logits of the prompt read whole, pictures included."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sidecar.engine import backend
from tests.engine.pictures import image_part, noise, text_part

WORDS = "one two three four five six seven eight nine ten " * 3


@pytest.fixture(scope="module")
def model(random_model: Path) -> Any:
    from sidecar.engine import loader

    return loader.load(random_model, backend.device(), backend.memory_budget())


def prompt(model: Any, pictures: int, *, before: str = WORDS) -> tuple[list[int], Any]:
    """Token ids and what is read of a chat with that many pictures, all different, of different shapes."""
    from sidecar.engine import vision
    from sidecar.worker.picture import Picture

    sizes = [(256, 256), (256, 128)][:pictures]
    patches = [vision.cut(Picture(*size, noise(size).tobytes()), model.image_processor) for size in sizes]
    parts: list[dict[str, Any]] = [text_part(before)]
    for _ in patches:
        parts += [image_part("data:,"), text_part(WORDS)]
    ids = model.template.encode([{"role": "user", "content": parts}], [cut.tokens for cut in patches])
    return ids, vision.prompt(model.model, ids, patches)


def seen(read: Any) -> Any:
    """Features and levels of all its pictures."""
    return read.seen(np.arange(sum(len(features) for features, _ in read.pictures)))


def whole_logits(model: Any, ids: list[int], read: Any, levels: Any = None) -> np.ndarray[Any, Any]:
    """The next token's logits, by mlx-vlm's own way for one whole prompt. `levels` take the place of the deepstack
    features."""
    import mlx.core as mx

    language_model, tokens = model.model.language_model, mx.array([ids])
    members = {"position_ids": read.members["position_ids"]}
    if read.pictures:
        is_visual = np.array(ids) == model.model.config.image_token_id
        embeddings = language_model.model.embed_tokens(tokens)
        embeddings[0, mx.array(np.flatnonzero(is_visual))] = seen(read)[0]
        levels = seen(read)[1] if levels is None else levels
        members |= {
            "inputs_embeds": embeddings,
            "visual_pos_masks": mx.array(is_visual[None]),
            "deepstack_visual_embeds": levels,
        }
    return np.array(language_model(tokens, **members).logits[0, -1].astype(mx.float32))


def generator(model: Any, chunk: int, rows: int = 1) -> Any:
    from mlx_vlm.generate.ar import BatchGenerator

    from sidecar.engine.decoder import ChunkedDecoder
    from sidecar.engine.lane import _NoEnd

    return BatchGenerator(
        ChunkedDecoder(model.model.language_model, model.boundary),
        SimpleNamespace(stopping_criteria=_NoEnd()),
        completion_batch_size=rows,
        prefill_batch_size=1,
        prefill_step_size=chunk,
        compute_logprobs=False,
    )


def insert(batch: Any, ids: list[int], read: Any, max_tokens: int = 10_000, **members: Any) -> int:
    batch.model.read_next(read)
    (uid,) = batch.insert([ids], max_tokens=[max_tokens], prompt_kwargs=[read.members], **members)
    return int(uid)


def chunked_logits(model: Any, ids: list[int], read: Any, chunk: int) -> np.ndarray[Any, Any]:
    """The next token's logits, after `BatchGenerator` read the prompt in chunks."""
    import mlx.core as mx

    seen: list[np.ndarray[Any, Any]] = []

    def keep(_tokens: Any, logits: Any) -> Any:
        seen.append(np.array(logits[0].astype(mx.float32)))
        return logits

    batch = generator(model, chunk)
    insert(batch, ids, read, logits_processors=[[keep]])
    while not seen:
        batch.next()
    batch.close()
    return seen[0]


@pytest.mark.parametrize("pictures", [0, 1, 2])
def test_chunked_logits_equal_whole_logits(model: Any, pictures: int) -> None:
    ids, read = prompt(model, pictures)
    expected = whole_logits(model, ids, read)

    for chunk in (8, 16, 23, 32, 64, 128, 256, 512):
        assert chunked_logits(model, ids, read, chunk) == pytest.approx(expected, abs=2e-4), f"chunk {chunk}"


def test_a_picture_at_the_very_beginning_is_read_right(model: Any) -> None:
    ids, read = prompt(model, 1, before="")

    assert chunked_logits(model, ids, read, 16) == pytest.approx(whole_logits(model, ids, read), abs=2e-4)


def test_deepstack_features_matter_to_these_logits(model: Any) -> None:
    """Otherwise the tests above could not fail."""
    import mlx.core as mx

    ids, read = prompt(model, 2)
    # What mlx-vlm alone makes of the second picture: the rows of the first.
    levels = seen(read)[1]
    wrong = [mx.concatenate([level[:64], level[: len(level) - 64]]) for level in levels]

    assert np.abs(whole_logits(model, ids, read, wrong) - whole_logits(model, ids, read)).max() > 0.01


def test_mlx_vlm_s_own_embeddings_are_ours(model: Any) -> None:
    import mlx.core as mx

    from sidecar.engine import vision
    from sidecar.worker.picture import Picture

    sizes = [(256, 256), (256, 128)]
    patches = [vision.cut(Picture(*size, noise(size).tobytes()), model.image_processor) for size in sizes]
    parts = [text_part("a"), image_part("data:,"), text_part("b"), image_part("data:,")]
    ids = model.template.encode([{"role": "user", "content": parts}], [cut.tokens for cut in patches])

    ours = vision.prompt(model.model, ids, patches)
    theirs = model.model.get_input_embeddings(
        mx.array([ids]),
        mx.array(np.concatenate([cut.values() for cut in patches])),
        image_grid_thw=mx.array([cut.grid for cut in patches]),
    )

    at = np.flatnonzero(np.array(ids) == model.model.config.image_token_id)
    assert np.array(seen(ours)[0]) == pytest.approx(np.array(theirs.inputs_embeds)[0, at], abs=1e-4)
    assert np.array(ours.members["position_ids"]).tolist() == np.array(theirs.position_ids).tolist()
    assert np.array(ours.members["rope_deltas"]).tolist() == np.array(theirs.rope_deltas).tolist()
    assert whole_logits(model, ids, ours) == pytest.approx(
        np.array(model.model.language_model(mx.array([ids]), **theirs.to_dict()).logits[0, -1]), abs=2e-4
    )


def test_rows_that_join_and_leave_do_not_change_each_other(model: Any) -> None:
    """Greedy tokens of four prompts, with and without pictures, alone and in one batch that they enter one by one."""
    prompts = [prompt(model, pictures, before=WORDS[: 40 * number]) for number, pictures in enumerate((0, 1, 2, 1))]
    limits = [24, 6, 12, 18]

    def tokens(chosen: list[int], rows: int) -> dict[int, list[int]]:
        batch = generator(model, 32, rows)
        answers: dict[int, list[int]] = {}
        by_uid: dict[int, int] = {}
        waiting = list(chosen)
        while batch.has_work or waiting:
            if waiting and not batch.has_pending_prompts:
                number = waiting.pop(0)
                by_uid[insert(batch, *prompts[number], limits[number])] = number
                answers[number] = []
            for response in batch.next()[1]:
                answers[by_uid[response.uid]].append(response.token)
        batch.close()
        return answers

    together = tokens([0, 1, 2, 3], 4)

    assert [len(together[number]) for number in range(4)] == limits
    for number in range(4):
        assert together[number] == tokens([number], 1)[number]
