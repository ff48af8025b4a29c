"""Tagging: a short text, a vocabulary of tags in the prompt, and the tags of that vocabulary the text is about."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path

from . import words
from .conversation import Conversation, Message, assistant, user
from .small_talk import SYSTEM_PROMPTS
from .split import is_held_out

_ENGLISH_SENTENCES = (
    "Notes on the {}.",
    "We talked about the {} all evening.",
    "Please check the {} again.",
    "{}: see page {n}.",
    "The {} came first.",
    "I still need the {}.",
    "A few words about the {}.",
    "Do not forget the {}!",
    "Everything about the {} and the {}.",
    "{}, {} and {}.",
    "{} and {}.",
    "{}",
    "The {} was better than expected.",
    "She asked me about the {}.",
    "Our {}, finally.",
    "The {} of {n}.",
    "Between the {} and the {} there was little time.",
    "Draft: {}",
    "This page is about the {}.",
    "First the {}, then the {}.",
    "He wrote to {name} about the {}.",
    "Summary of the {} for {name}.",
    "List: {}, {}, {}, {}.",
    "The new {} arrived yesterday.",
    "No {} without the {}.",
    "Why is the {} so late?",
    "My thoughts on the {} are below.",
)
_ENGLISH_FILLERS = (
    "It was a long day.",
    "More will follow next week.",
    "See below.",
    "That is all for now.",
    "Best regards, {name}",
    "Page {n}.",
    "Copied from the old notebook.",
    "{name} said yes.",
    "Version {n}.",
    "Nothing else to report.",
    "I will add the rest later.",
    "Thank you for reading.",
    "This was on Tuesday.",
    "{name} and I agreed.",
    "Everything went well.",
)
_CHINESE_SENTENCES = (
    "关于{}的笔记。",
    "今天说到了{}。",
    "别忘了{}！",
    "{}和{}。",
    "{}、{}、{}。",
    "请再看一下{}。",
    "这一页讲的是{}。",
    "先是{}，然后是{}。",
    "我还需要{}。",
    "{}",
    "昨天的{}很好。",
)
_CHINESE_FILLERS = ("就这些。", "以后再写。", "第{n}页。", "谢谢。", "这是星期二写的。", "一切都好。")

_VOCABULARY_FORMS = (
    lambda tags: ", ".join(tags),
    lambda tags: json.dumps(tags, ensure_ascii=False),
    lambda tags: "; ".join(tags),
    lambda tags: "\n" + "\n".join(f"- {tag}" for tag in tags),
)
_ENGLISH_REQUESTS = (
    "Choose the tags that fit this text.\nTags: {tags}\nText: {text}",
    "Tags: {tags}\n\nText:\n{text}\n\nWhich tags fit?",
    "Pick the right tags for the text from this list: {tags}\n\n{text}",
    'Which of these tags fit the text? {tags}\n\n"{text}"',
    "Text: {text}\n\nAllowed tags: {tags}\n\nTag this text.",
    "Tag the following text. Use only these tags: {tags}\n\n{text}",
    "Vocabulary: {tags}\nFile content: {text}\nTags:",
    "Here is a note:\n{text}\n\nChoose its tags from: {tags}",
)
_CHINESE_REQUESTS = (
    "从这些标签中选出合适的：{tags}\n文本：{text}",
    "文本：{text}\n\n可用标签：{tags}\n请给这段文本打标签。",
    "请用下面的标签标注文本。\n标签：{tags}\n{text}",
)
# The vocabulary in the system's message, the text alone in the person's.
_ENGLISH_INSTRUCTIONS = (
    "You tag files. Allowed tags: {tags}.",
    "Choose tags for the text. Vocabulary: {tags}",
    "Tag what you are given. Use only these tags: {tags}",
)
_CHINESE_INSTRUCTIONS = ("请给文本打标签。可用标签：{tags}", "从这些标签中为文本选择：{tags}")
_OBJECT_REQUESTS = (
    ' Answer as JSON: {"tags": ["..."]}',
    ' Reply with a JSON object {"tags": [...]}.',
    "\nReturn JSON with the key tags.",
    "\nAnswer in JSON.",
)
_LIST_REQUESTS = (" Answer as a JSON list.", "\nReply with a JSON array of tags.")


@cache
def lexicon() -> dict[str, list[str]]:
    """Each tag with the things that speak for it; no thing speaks for two tags."""
    loaded: dict[str, list[str]] = json.loads(Path(__file__).with_name("lexicon.json").read_text(encoding="utf-8"))
    return loaded


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def _compose(rng: random.Random, things: list[str], chinese: bool, held_out: bool) -> str:
    """Sentences that use up `things`, with fillers between them."""
    sentences = _CHINESE_SENTENCES if chinese else _ENGLISH_SENTENCES
    written = []
    while things:
        form = rng.choice([s for s in sentences if s.count("{}") <= len(things)])
        used, things = things[: form.count("{}")], things[form.count("{}") :]
        written.append(_fill(rng, form, held_out).format(*used))
    for _ in range(rng.choices((0, 1, 2, 8), (46, 32, 15, 7))[0]):
        filler = rng.choice(_CHINESE_FILLERS if chinese else _ENGLISH_FILLERS)
        written.insert(rng.randint(0, len(written)), _fill(rng, filler, held_out))
    text = rng.choice((" ", " ", "\n") if not chinese else ("", "\n")).join(written)
    return text[0].upper() + text[1:] if rng.random() < 0.7 else text


def _fill(rng: random.Random, form: str, held_out: bool) -> str:
    return form.replace("{n}", str(rng.randint(1, 2026))).replace("{name}", words.name(rng, held_out))


def _draw_parts(rng: random.Random, held_out: bool) -> tuple[str, list[str], list[str]]:
    """(text, vocabulary in its order, the fitting tags in that order)"""
    chinese = rng.random() < 0.15
    known = [tag for tag in lexicon() if _is_chinese(tag) == chinese]
    size = min(rng.randint(3, 12), len(known))
    vocabulary = rng.sample(known, size)
    fitting = rng.choices((0, 1, 2, 3), (4, 40, 38, 18))[0]
    chosen = vocabulary[: min(fitting, size)]
    things = {tag: rng.sample(lexicon()[tag], rng.choices((1, 2, 3), (40, 40, 20))[0]) for tag in chosen}
    if not chinese and rng.random() < 0.2:
        # A tag nobody has told the model about fits when the text says it.
        for new in sorted({words.word(rng, held_out) for _ in range(rng.randint(1, 3))} - lexicon().keys()):
            vocabulary.append(new)
            if rng.random() < 0.5 and len(chosen) < 3:
                chosen.append(new)
                things[new] = [new]
    said = [thing for tag in chosen for thing in things[tag]]
    if rng.random() < 0.3:
        rng.shuffle(said)
    if not said:
        said = [words.name(rng, held_out)] if not chinese else [words.han_phrase(rng, held_out)]
    rng.shuffle(vocabulary)
    return _compose(rng, said, chinese, held_out), vocabulary, [tag for tag in vocabulary if tag in chosen]


def draw_tags(rng: random.Random, held_out: bool) -> Conversation:
    """A text of one to six sentences, 3 to 15 tags offered, 0 to 3 of them fitting; the text is new on its side of
    the split."""
    while True:
        text, vocabulary, fitting = _draw_parts(rng, held_out)
        said_by_chance = any(tag in text.lower() for tag in set(vocabulary) - lexicon().keys() - set(fitting))
        if is_held_out("text " + text) == held_out and not said_by_chance:
            break
    in_chinese = _is_chinese(text) and rng.random() < 0.8
    said_how, answer = _answer(rng, fitting)
    offered = rng.choice(_VOCABULARY_FORMS)(vocabulary)
    messages: list[Message]
    if rng.random() < 0.25:
        instructions = rng.choice(_CHINESE_INSTRUCTIONS if in_chinese else _ENGLISH_INSTRUCTIONS)
        messages = [{"role": "system", "content": instructions.format(tags=offered) + said_how}, user(text)]
    else:
        request = rng.choice(_CHINESE_REQUESTS if in_chinese else _ENGLISH_REQUESTS)
        messages = [user(request.format(tags=offered, text=text) + said_how)]
        if rng.random() < 0.15:
            messages.insert(0, {"role": "system", "content": rng.choice(SYSTEM_PROMPTS)})
    return Conversation("tags", [*messages, assistant(answer)], expected=set(fitting))


def _answer(rng: random.Random, fitting: list[str]) -> tuple[str, str]:
    """(how the request asks for it, the tags in that form)"""
    form = rng.choices(("words", "object", "list"), (45, 40, 15))[0]
    if form == "object":
        return rng.choice(_OBJECT_REQUESTS), json.dumps({"tags": fitting}, ensure_ascii=False, separators=(",", ":"))
    if form == "list":
        return rng.choice(_LIST_REQUESTS), json.dumps(fitting, ensure_ascii=False, separators=(",", ":"))
    return "", ", ".join(fitting) or "none"


def read_tags(answer: str) -> set[str]:
    """The tags an answer names, in any of the three forms."""
    try:
        found = json.loads(answer)
    except ValueError:
        return {tag.strip() for tag in answer.strip().split(",")} - {"none", ""}
    listed = found.get("tags", []) if isinstance(found, dict) else found
    return {str(tag) for tag in listed} if isinstance(listed, list) else {str(listed)}
