"""The committed model does its four things, on inputs that training cannot have shown it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from .blas import prefer_openblas
from .conversation import Conversation, user
from .drawing import draw_drawing
from .evaluation import THRESHOLDS, DemoModel, held_out, score
from .small_talk import draw_question
from .tags import draw_tags
from .words import file_name, name, phrase

MODEL = Path(__file__).parent / "model"
COUNTS = {"pictures": 60, "tags": 40, "tools": 40, "small talk": 30}


@pytest.fixture(scope="module")
def model() -> DemoModel:
    prefer_openblas()
    return DemoModel(MODEL)


@pytest.mark.parametrize("skill", COUNTS)
def test_a_skill_reaches_its_threshold_on_held_out_inputs(model: DemoModel, skill: str) -> None:
    # A small sample of a model that is above the threshold may lie a little under it: two answers are forgiven.
    count = COUNTS[skill]
    assert score(model, skill, count, show=5) * count >= THRESHOLDS[skill] * count - 2


def test_a_red_circle_in_a_large_photo_sized_picture_is_called_a_red_circle(model: DemoModel) -> None:
    picture = Image.new("RGB", (1024, 768), "white")
    ImageDraw.Draw(picture).ellipse((600, 200, 900, 500), fill="red")
    asked = Conversation("pictures", [user("What is in this picture?", 1), {}], [picture])
    assert "a red circle" in model.answer(asked)


def test_a_second_question_finds_the_picture_of_the_first(model: DemoModel) -> None:
    picture = Image.new("RGB", (300, 300), "#eeeeee")
    ImageDraw.Draw(picture).rectangle((80, 90, 200, 210), fill="blue")
    messages = [user("What do you see?", 1), {"role": "assistant", "content": "The picture shows a blue square."}]
    asked = Conversation("pictures", [*messages, user("What colour is it?"), {}], [picture])
    assert "blue" in model.answer(asked)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, held: str(draw_drawing(rng, held)),
        lambda rng, held: str(draw_tags(rng, held).prompt[-1]["content"]),
        lambda rng, held: draw_question(rng, held)[0],
        phrase,
        name,
        file_name,
    ],
    ids=["drawings", "texts", "questions", "phrases", "names", "file names"],
)
def test_training_and_held_out_inputs_have_nothing_in_common(draw: Callable[[random.Random, bool], str]) -> None:
    rng = random.Random(11)
    trained = {draw(rng, False) for _ in range(3000)}
    assert trained.isdisjoint(draw(rng, True) for _ in range(1000))


def test_held_out_conversations_are_the_same_every_time() -> None:
    assert [c.prompt for c in held_out("tools", 5)] == [c.prompt for c in held_out("tools", 5)]
