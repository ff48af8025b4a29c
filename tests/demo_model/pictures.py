"""Conversations about pictures: what is in one or several, colour, shape, yes or no, in English and Chinese."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace

from .conversation import Conversation, Message, assistant, user
from .drawing import COLOURS, SHAPES, Drawing, draw_drawing, paint
from .small_talk import SYSTEM_PROMPTS
from .tools import draw_offer

CHINESE = {
    "red": "红色",
    "green": "绿色",
    "blue": "蓝色",
    "yellow": "黄色",
    "purple": "紫色",
    "black": "黑色",
    "circle": "圆形",
    "square": "正方形",
    "triangle": "三角形",
    "star": "五角星",
}

_WHAT = (
    "What is in this picture?",
    "What is in the picture?",
    "What's in this image?",
    "What is in this image?",
    "What do you see?",
    "What can you see in this picture?",
    "What do you see in this image?",
    "Describe this picture.",
    "Describe the image.",
    "Describe this image.",
    "Please describe the picture.",
    "What is this?",
    "What's this?",
    "What does this picture show?",
    "What does the image show?",
    "What is shown here?",
    "Tell me what you see.",
    "Tell me about this picture.",
    "Which shape is in the picture, and what colour is it?",
    "What colour and shape is this?",
    "What color and shape do you see?",
    "What shape is this, and which color does it have?",
    "Name the colour and the shape.",
    "Name the color and shape in this image.",
    "Can you tell me what this is?",
    "What shape and color is in this image?",
    "Describe this image in one sentence.",
    "Describe what you see in the picture.",
    "What is drawn here?",
    "Look at this picture. What is it?",
    "What am I looking at?",
    "Caption this image.",
    "",
    "What is it?",
    "Please tell me what is in this picture.",
    "Answer in one sentence: what is in the picture?",
    "What kind of shape is this?",
    "What object is in the picture?",
    "Identify the shape and its color.",
    "Can you see the picture? What is on it?",
)
_WHAT_CHINESE = (
    "图片里有什么？",
    "这张图片里有什么？",
    "图中是什么？",
    "这是什么？",
    "你看到了什么？",
    "请描述这张图片。",
    "描述一下这张图。",
    "图片里是什么形状？什么颜色？",
    "这张图里画的是什么？",
    "请说出图中的颜色和形状。",
    "请用一句话描述图片。",
    "这个图形是什么颜色的什么形状？",
    "你能看到图片里的东西吗？",
)
_COLOUR = (
    "What colour is it?",
    "What color is it?",
    "What colour is the shape?",
    "Which color does the shape have?",
    "And the colour?",
    "What color is this?",
)
_SHAPE = (
    "What shape is it?",
    "Which shape is it?",
    "What shape is this?",
    "And the shape?",
    "What is the shape?",
    "Which shape do you see?",
)
_COLOUR_CHINESE = ("它是什么颜色？", "什么颜色？", "这个图形是什么颜色的？")
_SHAPE_CHINESE = ("它是什么形状？", "什么形状？", "这是什么形状？")
_BOTH = (
    "What is in these pictures?",
    "What is in the two pictures?",
    "Describe these images.",
    "What do the pictures show?",
    "What do you see?",
    "Describe both pictures.",
)
_BOTH_CHINESE = ("这两张图片里有什么？", "这些图片里是什么？", "请描述这两张图片。")
_ABSENT = "I do not see a picture. Please attach one."
_ABSENT_CHINESE = "我没有看到图片，请添加一张。"


def _sentence(drawing: Drawing) -> str:
    return f"The picture shows a {drawing.name}."


def _sentence_chinese(drawing: Drawing) -> str:
    return f"图片里是一个{CHINESE[drawing.colour]}的{CHINESE[drawing.shape]}。"


Turn = tuple[str, str]


def _detail(rng: random.Random, drawing: Drawing) -> Turn:
    """A question about colour or shape alone, yes or no, and its answer."""
    chinese = rng.random() < 0.3
    kind = rng.choice(("colour", "shape", "yes"))
    if kind == "colour":
        if chinese:
            return rng.choice(_COLOUR_CHINESE), f"它是{CHINESE[drawing.colour]}的。"
        return rng.choice(_COLOUR), f"It is {drawing.colour}."
    if kind == "shape":
        if chinese:
            return rng.choice(_SHAPE_CHINESE), f"它是一个{CHINESE[drawing.shape]}。"
        return rng.choice(_SHAPE), f"It is a {drawing.shape}."
    colour = drawing.colour if rng.random() < 0.65 else rng.choice(COLOURS)
    shape = drawing.shape if rng.random() < 0.65 else rng.choice(SHAPES)
    right = (colour, shape) == (drawing.colour, drawing.shape)
    if chinese:
        question = f"这是一个{CHINESE[colour]}的{CHINESE[shape]}吗？"
        return question, f"{'是的' if right else '不是'}，这是一个{CHINESE[drawing.colour]}的{CHINESE[drawing.shape]}。"
    question = rng.choice(("Is this a {}?", "Is it a {}?", "Do you see a {}?", "Is there a {} in the picture?")).format(
        f"{colour} {shape}"
    )
    return question, f"{'Yes' if right else 'No'}, it is a {drawing.name}."


def _what(rng: random.Random, drawing: Drawing) -> Turn:
    if rng.random() < 0.3:
        return rng.choice(_WHAT_CHINESE), _sentence_chinese(drawing)
    return _casually(rng, rng.choice(_WHAT)), _sentence(drawing)


def _casually(rng: random.Random, question: str) -> str:
    if rng.random() < 0.15:
        question = question.lower()
    if rng.random() < 0.15:
        question = question.rstrip("?.")
    return question


def _as_data(rng: random.Random, drawing: Drawing) -> Turn:
    """JSON and tags, as a program asks for them."""
    if rng.random() < 0.4:
        question = rng.choice(
            (
                'Answer as JSON: {"color": "...", "shape": "..."}',
                "Give the color and the shape of the object as JSON.",
                'Describe the picture as a JSON object with the keys "color" and "shape".',
            )
        )
        return question, json.dumps({"color": drawing.colour, "shape": drawing.shape}, separators=(",", ":"))
    offered = sorted(
        {
            drawing.colour,
            drawing.shape,
            *rng.sample((*COLOURS, *SHAPES, "travel", "music", "invoice", "photos"), rng.randint(2, 8)),
        }
    )
    offered.sort(key=lambda _: rng.random())
    fitting = [tag for tag in offered if tag in (drawing.colour, drawing.shape)]
    question = rng.choice(
        (
            "Choose the tags that fit this picture.\nTags: {}",
            "Tag this picture. Use only these tags: {}",
            "Vocabulary: {}\nWhich tags fit the picture?",
        )
    ).format(", ".join(offered))
    if rng.random() < 0.6:
        return question + rng.choice(("\nAnswer in JSON.", ' Answer as JSON: {"tags": ["..."]}')), json.dumps(
            {"tags": fitting}, separators=(",", ":")
        )
    return question, ", ".join(fitting)


def _one_picture(rng: random.Random, drawing: Drawing) -> list[Message]:
    """A question with its picture, now and then after it, and up to two more questions about it."""
    first = rng.choices((_what, _detail, _as_data), (65, 20, 15))[0]
    question, answer = first(rng, drawing)
    messages = [user(question, 1, pictures_last=rng.random() < 0.3), assistant(answer)]
    for _ in range(rng.choices((0, 1, 2), (60, 28, 12))[0]):
        question, answer = rng.choice((_what, _detail, _detail))(rng, drawing)
        messages += [user(question), assistant(answer)]
    return messages


def _another_picture(rng: random.Random, first: Drawing, second: Drawing) -> list[Message]:
    """One picture, an answer, another picture, an answer, and a look back at the first."""
    messages: list[Message] = []
    for drawing in (first, second):
        question, answer = (
            _what(rng, drawing)
            if rng.random() < 0.7
            else rng.choice((("And this one?", _sentence(drawing)), ("这张呢？", _sentence_chinese(drawing))))
        )
        messages += [user(question, 1, pictures_last=rng.random() < 0.2), assistant(answer)]
    if rng.random() < 0.6:
        number, drawing = rng.choice((("first", first), ("second", second)))
        if rng.random() < 0.3:
            ordinal = {"first": "第一张", "second": "第二张"}[number]
            messages += [
                user(f"{ordinal}图片里是什么？"),
                assistant(f"{ordinal}图片里是一个{CHINESE[drawing.colour]}的{CHINESE[drawing.shape]}。"),
            ]
        else:
            question = rng.choice(
                (
                    "What was in the {} picture?",
                    "What is in the {} picture?",
                    "And in the {} picture?",
                    "What did the {} image show?",
                )
            )
            messages += [user(question.format(number)), assistant(f"The {number} picture shows a {drawing.name}.")]
    return messages


def _two_at_once(rng: random.Random, first: Drawing, second: Drawing) -> list[Message]:
    kind = rng.random()
    last = rng.random() < 0.2
    if kind < 0.5:
        return [
            user(rng.choice(_BOTH), 2, pictures_last=last),
            assistant(f"The first picture shows a {first.name}, the second a {second.name}."),
        ]
    if kind < 0.65:
        both = [f"{CHINESE[drawing.colour]}的{CHINESE[drawing.shape]}" for drawing in (first, second)]
        answer = "第一张图片里是一个{}，第二张是一个{}。".format(*both)
        return [user(rng.choice(_BOTH_CHINESE), 2, pictures_last=last), assistant(answer)]
    number, drawing = rng.choice((("first", first), ("second", second)))
    question = rng.choice(("What is in the {} picture?", "What does the {} picture show?", "Describe the {} image."))
    return [
        user(question.format(number), 2, pictures_last=last),
        assistant(f"The {number} picture shows a {drawing.name}."),
    ]


def draw_pictures(rng: random.Random, held_out: bool) -> Conversation:
    """One or two pictures and one to three questions; the drawings are on the wanted side of the split."""
    layout: Callable[..., list[Message]] = rng.choices((_one_picture, _another_picture, _two_at_once), (70, 15, 15))[0]
    drawings = [draw_drawing(rng, held_out) for _ in range(1 if layout is _one_picture else 2)]
    messages = layout(rng, *drawings)
    if rng.random() < 0.25:
        messages = [{"role": "system", "content": rng.choice(SYSTEM_PROMPTS)}, *messages]
    return Conversation(
        "pictures", messages, [paint(drawing) for drawing in drawings], expected=messages[-1]["content"]
    )


def draw_pictures_beside_tools(rng: random.Random, held_out: bool) -> Conversation:
    """The same with tools on offer that the questions do not need."""
    _, tools = draw_offer(rng)
    return replace(draw_pictures(rng, held_out), tools=tools)


def draw_picture_question(rng: random.Random, held_out: bool) -> Conversation:
    """The plain case: one picture, asked what is in it. `expected` lists the words the answer must hold."""
    drawing = draw_drawing(rng, held_out)
    question, answer = _what(rng, drawing)
    chinese = answer == _sentence_chinese(drawing)
    expected = (CHINESE[drawing.colour], CHINESE[drawing.shape]) if chinese else (f"a {drawing.name}",)
    messages = [user(question, 1, pictures_last=rng.random() < 0.3), assistant(answer)]
    return Conversation("pictures", messages, [paint(drawing)], expected=expected)


def draw_missing_picture(rng: random.Random, held_out: bool) -> Conversation:
    """A question about a picture that is not there."""
    questions = [q for q in _WHAT if "picture" in q or "image" in q]
    if rng.random() < 0.3:
        messages = [user(rng.choice([q for q in _WHAT_CHINESE if "图" in q])), assistant(_ABSENT_CHINESE)]
    else:
        messages = [user(_casually(rng, rng.choice(questions))), assistant(_ABSENT)]
    return Conversation("small talk", messages, expected=messages[-1]["content"])
