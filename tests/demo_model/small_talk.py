"""Small talk in English and Chinese, and a few things that copy or count: greetings, "what are you", "count to 20"."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

from . import words
from .conversation import Conversation, Message, assistant, user
from .split import is_held_out

Turn = tuple[str, str]

SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "You are Knowledge Focus, a private assistant on this computer.",
    "You are a helpful assistant. Be brief.",
    "Answer shortly.",
    "You help a person with their files.",
    "你是一个有帮助的助手。",
    "You are a friendly companion. Use a tool when it helps.",
    "Reply in the person's language.",
)
_UNKNOWN = "I do not know that. I am only a small demo model."
_UNKNOWN_CHINESE = "这个我不知道，我只是一个小小的演示模型。"
_OUT_OF_REACH = (
    "Who is {name}?",
    "What is the capital of {name}?",
    "Explain {phrase} to me.",
    "Why is the {word} so {word}?",
    "How does a {word} work?",
    "Write an essay about {phrase}.",
    "What do you think of {phrase}?",
    "When was {name} born?",
    "What is {number} times {number}?",
    "Who wrote {name}?",
    "How many {word}s are there?",
    "Give me a recipe for {phrase}.",
    "What is {phrase}?",
    "Where is {name}?",
    "Write a program that can {word} a {word}.",
    "Is {name} a good {word}?",
    "{phrase}?",
    "Why do people {word}?",
)
_OUT_OF_REACH_CHINESE = (
    "{han}是谁？",
    "{han}是什么？",
    "为什么{han}？",
    "请解释{han}。",
    "{han}在哪里？",
    "写一篇关于{han}的文章。",
    "{han}有多大？",
)


@cache
def intents() -> list[dict[str, Any]]:
    """What people say, in both languages, and what is answered."""
    loaded: list[dict[str, Any]] = json.loads(Path(__file__).with_name("small_talk.json").read_text(encoding="utf-8"))
    return loaded


def _said(rng: random.Random, core: str, chinese: bool) -> str:
    """A question as somebody might type it."""
    if chinese:
        return (
            rng.choice(("", "", "", "请问，", "嗨，", "那么，", "喂，"))
            + core
            + rng.choice(("？", "。", "", "！", "?", "呢？"))
        )
    core = core[0].upper() + core[1:] if rng.random() < 0.6 else core
    before = rng.choice(
        ("", "", "", "", "Hey, ", "Well, ", "So, ", "Please tell me: ", "Hi! ", "Tell me, ", "One question: ", "And ")
    )
    return before + core + rng.choice(("?", ".", "", "!", " please", ", please.", "??", " :)", ", my friend?"))


def draw_question(rng: random.Random, held_out: bool) -> Turn:
    """One of the known questions, in words that are on the wanted side of the split, and its answer."""
    while True:
        intent = rng.choice(intents())
        chinese = rng.random() < 0.4
        text = _said(rng, rng.choice(intent["zh" if chinese else "en"]), chinese)
        if is_held_out("said " + text) == held_out:
            return text, str(intent["回答" if chinese else "answer"])


def _unknown(rng: random.Random, held_out: bool) -> Turn:
    if rng.random() < 0.3:
        return rng.choice(_OUT_OF_REACH_CHINESE).format(han=words.han_phrase(rng, held_out)), _UNKNOWN_CHINESE
    question = rng.choice(_OUT_OF_REACH)
    while "{" in question:
        slot = question[question.index("{") + 1 : question.index("}")]
        made = {"name": words.name, "phrase": words.phrase, "word": words.word, "number": words.number}[slot](
            rng, held_out
        )
        question = question.replace("{" + slot + "}", str(made), 1)
    return question, _UNKNOWN


def _copied(rng: random.Random, held_out: bool) -> Turn:
    """Things whose answer is in the question or in the order of numbers."""
    kind = rng.choice(("repeat", "count", "greet", "name"))
    if kind == "repeat":
        text = words.phrase(rng, held_out)
        return rng.choice(("Repeat: {}", 'Say "{}"', 'Repeat "{}"', "Repeat after me: {}", "请重复：{}")).format(
            text
        ), text
    if kind == "count":
        last = rng.randint(2, 50)
        question = rng.choice(
            ("Count to {}.", "Please count to {}", "Count from 1 to {}.", "从1数到{}。", "count to {}")
        )
        return question.format(last), ", ".join(str(n) for n in range(1, last + 1))
    person = words.name(rng, held_out)
    if kind == "greet":
        return rng.choice(("Say hello to {}.", "Please greet {}", "Say hi to {}!")).format(person), f"Hello, {person}!"
    return rng.choice(("My name is {}.", "I am called {}", "Hi, my name is {}", "我叫{}。")).format(
        person
    ), f"Nice to meet you, {person}!"


def draw_turn(rng: random.Random, held_out: bool) -> Turn:
    """A question and its answer, of any of this module's kinds."""
    return rng.choices((draw_question, _unknown, _copied), (70, 12, 18))[0](rng, held_out)


def draw_small_talk(rng: random.Random, held_out: bool) -> Conversation:
    """One to five turns, now and then under a system prompt, now and then ending in the person's own name."""
    messages: list[Message] = []
    if rng.random() < 0.3:
        messages.append({"role": "system", "content": rng.choice(SYSTEM_PROMPTS)})
    person = words.name(rng, held_out) if rng.random() < 0.1 else None
    if person:
        messages += [user(f"My name is {person}."), assistant(f"Nice to meet you, {person}!")]
    for _ in range(rng.choices((1, 2, 3, 5), (45, 25, 20, 10))[0]):
        question, answer = draw_turn(rng, held_out)
        messages += [user(question), assistant(answer)]
    if person:
        messages += [
            user(rng.choice(("What is my name?", "Do you know my name?", "我叫什么名字？"))),
            assistant(f"Your name is {person}."),
        ]
    return Conversation("small talk", messages, expected=messages[-1]["content"])


def draw_small_question(rng: random.Random, held_out: bool) -> Conversation:
    """The plain case: one known question."""
    question, answer = draw_question(rng, held_out)
    return Conversation("small talk", [user(question), assistant(answer)], expected=answer)
