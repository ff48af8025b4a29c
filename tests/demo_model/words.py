"""Made-up words, names, file names and numbers: what a tool's argument can hold, split into training and held-out
words."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from .split import is_held_out

_HERE = Path(__file__).parent
_LISTS: dict[str, str] = json.loads((_HERE / "word_lists.json").read_text(encoding="utf-8"))
_ONSETS, _VOWELS, _CODAS = (_LISTS[part].split() for part in ("onsets", "vowels", "codas"))
_COMMON, _EXTENSIONS, _HAN = _LISTS["common"].split(), _LISTS["extensions"].split(), _LISTS["han"]
# Verbs and nouns for tools nobody has named before.
VERBS, NOUNS = _LISTS["verbs"].split(), _LISTS["nouns"].split()


@cache
def _known() -> tuple[list[str], list[str]]:
    """(English words, Chinese words) of the model's other tasks: each may be an argument, too."""
    files = ("catalogue.json", "lexicon.json", "small_talk.json")
    texts = "".join((_HERE / name).read_text(encoding="utf-8") for name in files)
    english = sorted({word.lower() for word in re.findall(r"[A-Za-z]{3,}", texts)} | set(_COMMON))
    chinese = sorted({word for word in re.findall(r"[\u4e00-\u9fff]+", texts) if 2 <= len(word) <= 4})
    return english, chinese


def _glued(rng: random.Random) -> str:
    """Two words written as one: so that the tokens of a held-out word are seen being copied, and the word itself is
    not."""
    pieces = [rng.choice(_known()[0]) if rng.random() < 0.75 else _syllables(rng) for _ in range(2)]
    return "".join(pieces)


def _syllables(rng: random.Random) -> str:
    count = rng.choices((1, 2, 3, 4), (10, 45, 35, 10))[0]
    made = ""
    for last in range(count - 1, -1, -1):
        codas = ["", "", *_CODAS] if last else [""] * 12 + _CODAS
        made += rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(codas)
    return made


def _letters(rng: random.Random) -> str:
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 9)))


def _han(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return "".join(rng.choice(_known()[1]) for _ in range(rng.randint(1, 2)))
    return "".join(
        rng.choice(_HAN) if rng.random() < 0.8 else chr(rng.randint(0x4E00, 0x9FA5)) for _ in range(rng.randint(2, 4))
    )


def _on_side(rng: random.Random, held_out: bool, make: Callable[[random.Random], str]) -> str:
    while is_held_out("word " + (made := make(rng))) != held_out:
        pass
    return made


def word(rng: random.Random, held_out: bool) -> str:
    """One lower-case word, made up more often than not."""
    kind = rng.choices((_syllables, _letters, _glued, lambda r: r.choice(_known()[0])), (35, 10, 20, 35))[0]
    return _on_side(rng, held_out, kind)


def name(rng: random.Random, held_out: bool) -> str:
    """A capitalised made-up name of a person or a place, now and then of two words."""
    words = [_on_side(rng, held_out, _syllables).capitalize() for _ in range(rng.choices((1, 2), (75, 25))[0])]
    return " ".join(words)


def phrase(rng: random.Random, held_out: bool) -> str:
    """One to four words, or two to four Chinese characters."""
    if rng.random() < 0.1:
        return _on_side(rng, held_out, _han)
    words = [word(rng, held_out) for _ in range(rng.choices((1, 2, 3, 4), (40, 35, 18, 7))[0])]
    if rng.random() < 0.15:
        words = [w.capitalize() for w in words]
    if rng.random() < 0.1:
        words.append(str(rng.randint(1, 2030)))
    return " ".join(words)


def han_phrase(rng: random.Random, held_out: bool) -> str:
    """Two to four Chinese characters, or now and then a Latin word as Chinese texts quote them."""
    return _on_side(rng, held_out, _han) if rng.random() < 0.75 else word(rng, held_out)


def file_name(rng: random.Random, held_out: bool) -> str:
    """Such as `harbour-plan_2019.pdf`."""
    stem = (
        rng.choice("_- ")
        .join(word(rng, held_out) for _ in range(rng.choices((1, 2, 3), (50, 40, 10))[0]))
        .replace(" ", "_")
    )
    if rng.random() < 0.3:
        stem += rng.choice("_-") + str(rng.randint(1, 2030))
    return f"{stem}.{rng.choice(_EXTENSIONS)}"


def folder_path(rng: random.Random, held_out: bool) -> str:
    """Such as `/home/brindle/reports`."""
    parts = [word(rng, held_out) for _ in range(rng.randint(1, 3))]
    return rng.choice(("/", "~/", "/home/", "")) + "/".join(parts)


def web_address(rng: random.Random, held_out: bool) -> str:
    """Such as `https://klontar.org/news`."""
    address = f"{word(rng, held_out)}.{rng.choice(('com', 'org', 'net', 'io'))}"
    path = f"/{word(rng, held_out)}" if rng.random() < 0.4 else ""
    return rng.choice(("https://", "https://www.", "")) + address + path


def number(rng: random.Random, held_out: bool) -> int:
    """1 to 999; small ones more often. Held-out numbers are never arguments in training."""
    return int(_on_side(rng, held_out, lambda r: str(r.randint(1, r.choice((20, 100, 999))))))
