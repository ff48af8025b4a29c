"""A chat's title: at first the first words of its question, then what a model makes of the first turn."""

from __future__ import annotations

import unicodedata
import uuid

from sidecar.engine import GenerationRequest, RequestPriority
from sidecar.store.message import Message

MAX_WORDS = 6
MAX_CHARACTERS = 60
MAX_TOKENS = 24
MAX_SAID_CHARACTERS = 1000  # by a provider that does not keep to the tokens
MAX_READ_CHARACTERS = 600  # of the question and of the answer each: enough to know what it is about
AROUND = " \t\r\n\"'`´“”„‟‘’‚‹›«»「」『』《》*_#.。:：,，;；-–—"
"""What models put round a title."""
CODE = ("{", "[", "<")
"""How a line begins that is no title: a small model may call a tool instead."""
LABELS = ("title:", "title：", "标题:", "标题：")

TASK = (
    "Write a title of at most six words for this conversation, in the language of the question. "
    "Answer with the title only, without quotation marks."
)


def first_words(question: Message) -> str:
    """The beginning of the question; empty where it has no words."""
    return _cut(one_line(question.text), MAX_WORDS + 2)


def one_line(text: str) -> str:
    """Its words, without control characters: NUL ends a text for much of SQLite, and nobody sees any of them."""
    words = " ".join(text.split())
    return " ".join("".join(each for each in words if unicodedata.category(each) != "Cc").split())


def request(question: Message, answer: Message) -> GenerationRequest:
    """What a model is asked for a title. Nobody waits for it."""
    said = f"Question: {question.text[:MAX_READ_CHARACTERS]}\n\nAnswer: {answer.text[:MAX_READ_CHARACTERS]}"
    return GenerationRequest(
        request_id=f"title-{uuid.uuid4()}",
        messages=[{"role": "user", "content": f"{TASK}\n\n{said}"}],
        priority=RequestPriority.LOW,
        temperature=0.0,
        max_tokens=MAX_TOKENS,
    )


def cleaned(text: str) -> str:
    """The title in what a model said: its first line that has words and is no code, without quotation marks, at most
    six words. Empty where there is none."""
    for line in text.splitlines():
        title = line.strip(AROUND)
        for label in LABELS:
            if title.lower().startswith(label):
                title = title[len(label) :].strip(AROUND)
        title = _cut(" ".join(title.split()), MAX_WORDS).strip(AROUND)
        if not title.startswith(CODE) and any(character.isalnum() for character in title):
            return "".join(character for character in title if character.isprintable())
    return ""


def _cut(text: str, words: int) -> str:
    shown = " ".join(text.split(" ")[:words])
    return shown if len(shown) <= MAX_CHARACTERS else shown[: MAX_CHARACTERS - 1].rstrip() + "…"
