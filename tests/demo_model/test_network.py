"""Training and inference are the same function: encoding and network against mlx-vlm's processor and model."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .blas import prefer_openblas
from .conversation import Conversation
from .encoding import Encoder, collate
from .pictures import draw_pictures
from .small_talk import draw_small_talk
from .tools import draw_tools

MODEL = Path(__file__).parent / "model"


@pytest.fixture(scope="module")
def loaded() -> tuple[Any, Any]:
    prefer_openblas()
    import mlx.core as mx
    from mlx_vlm import load

    model, processor = load(str(MODEL))
    model.set_dtype(mx.float32)
    return model, processor


def _conversations() -> list[Conversation]:
    rng = random.Random(7)
    return [draw_pictures(rng, True) for _ in range(6)] + [draw_tools(rng, True), draw_small_talk(rng, True)]


def _rendered(processor: Any, conversation: Conversation) -> str:
    rendered: str = processor.apply_chat_template(
        list(conversation.messages), tools=list(conversation.tools) or None, tokenize=False, add_generation_prompt=False
    )
    return rendered


def test_training_sees_the_tokens_and_pixels_that_inference_sees(loaded: tuple[Any, Any]) -> None:
    _, processor = loaded
    for conversation in _conversations():
        inputs = processor(images=list(conversation.pictures) or None, text=[_rendered(processor, conversation)])
        encoded = Encoder(MODEL).encode(conversation)
        assert encoded.ids.tolist() == np.array(inputs["input_ids"])[0].tolist()
        if conversation.pictures:
            pixels = np.array(inputs["pixel_values"]).reshape(-1, 3, 2, 256)
            assert np.array_equal(pixels[:, :, 0], pixels[:, :, 1])
            trained = (np.concatenate(encoded.patches).reshape(-1, 3, 256).astype(np.float32) / 255 - 0.5) / 0.5
            np.testing.assert_allclose(trained, pixels[:, :, 0], atol=1e-5)


def test_training_computes_the_logits_that_inference_computes(loaded: tuple[Any, Any]) -> None:
    import mlx.core as mx

    from . import network
    from .training import as_arrays

    model, processor = loaded
    encoder = Encoder(MODEL)
    conversations = _conversations()
    encoded = [encoder.encode(c) for c in conversations]
    batch = collate(encoded, max(len(e.ids) for e in encoded) + 9, encoder.pad, encoder.image, pictures=14)
    assert batch.pictures is not None
    trained = network.logits(model, as_arrays(batch), as_arrays(batch.pictures))
    for row, conversation in enumerate(conversations):
        inputs = processor(images=list(conversation.pictures) or None, text=[_rendered(processor, conversation)])
        pictures = {"image_grid_thw": inputs["image_grid_thw"]} if conversation.pictures else {}
        served = model(inputs["input_ids"], inputs.get("pixel_values"), **pictures).logits[0]
        difference, largest = mx.abs(served - trained[row, : served.shape[0]]).max(), mx.abs(served).max()
        assert difference < 1e-3 * mx.maximum(largest, 1.0)


def test_only_the_answers_count_fully_in_the_loss(loaded: tuple[Any, Any]) -> None:
    _, processor = loaded
    for conversation in _conversations():
        encoded = Encoder(MODEL).encode(conversation)
        counted = processor.tokenizer.decode(encoded.ids[encoded.weights == 1.0])
        answers = [m for m in conversation.messages if m["role"] == "assistant"]
        assert counted.count("<|im_end|>") == len(answers)
        assert all(answer["content"] in counted for answer in answers)
        assert not encoded.weights[encoded.ids == Encoder(MODEL).image].any()
