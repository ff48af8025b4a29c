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
from .evaluation import DemoModel, held_out, score
from .small_talk import draw_question
from .tags import draw_tags
from .words import file_name, name, phrase

MODEL = Path(__file__).parent / "model"
# Held-out conversations of each skill, and how many of them are right at least: the first ones of those that `--eval`
# takes, so `THRESHOLDS` hold here less what so small a sample may stray.
FLOORS = {"pictures": (60, 56), "tags": (40, 35), "tools": (40, 37), "small talk": (30, 29)}


@pytest.fixture(scope="module")
def model() -> DemoModel:
    prefer_openblas()
    return DemoModel(MODEL)


@pytest.mark.parametrize("skill", FLOORS)
def test_a_skill_is_as_good_on_held_out_inputs_as_the_card_says(model: DemoModel, skill: str) -> None:
    count, right = FLOORS[skill]
    assert round(score(model, skill, count, show=5) * count) >= right


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
