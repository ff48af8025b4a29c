"""Years of chats in a database, written by the store itself: through the pipe, 100,000 messages take an hour."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.store import Database, message, session
from sidecar.store.message import Message, TextPart

if TYPE_CHECKING:
    import apsw

SESSIONS = 10_000
MESSAGES = 10  # in each, every other chat in Chinese
WORDS = 40  # in a message
CHARACTERS = 60
BATCH = 200  # chats in a transaction

RARE_ENGLISH, COMMON_ENGLISH = "ocelot", "baba"
RARE_CHINESE, COMMON_CHINESE = "下载", "的"
RARE = 0.01
"""The share of messages with the rare word."""

SYLLABLES = ("ba", "de", "ki", "lo", "mu", "na", "po", "ri", "su", "te", "va", "we", "yo", "zu", "fa", "gi")
# Invented words, and the characters of a block; the first of them are as frequent as in language (Zipf).
ENGLISH = ["".join(syllables) for length in (2, 3) for syllables in itertools.product(SYLLABLES, repeat=length)]
CHINESE = ["的", *(chr(0x4E00 + number) for number in range(40, 2540))]
ENGLISH_WEIGHTS = list(itertools.accumulate(1 / (rank + 2) for rank in range(len(ENGLISH))))
CHINESE_WEIGHTS = list(itertools.accumulate(1 / (rank + 10) for rank in range(len(CHINESE))))


def english(rng: random.Random) -> str:
    """A message."""
    words = rng.choices(ENGLISH, cum_weights=ENGLISH_WEIGHTS, k=WORDS)
    return " ".join([*words, RARE_ENGLISH] if rng.random() < RARE else words)


def chinese(rng: random.Random) -> str:
    """A message."""
    text = "".join(rng.choices(CHINESE, cum_weights=CHINESE_WEIGHTS, k=CHARACTERS))
    return f"{text}，{RARE_CHINESE}。" if rng.random() < RARE else text


def write(data_dir: Path, count: int) -> None:
    """Writes so many chats into a new database in `data_dir`, which a sidecar made or will take."""
    data_dir.mkdir(mode=0o700, exist_ok=True)
    asyncio.run(_write(data_dir, count))


async def _write(data_dir: Path, count: int) -> None:
    database = Database(data_dir / "knowledge-focus.db", data_dir / "copies", lambda _connection: None)
    rng = random.Random(10)
    for first in range(0, count, BATCH):
        await database.write(_insert, rng, range(first, min(first + BATCH, count)))
    await asyncio.wrap_future(database.close())


def _insert(connection: apsw.Connection, rng: random.Random, numbers: range) -> None:
    for number in numbers:
        chat = session.insert(connection)
        texts = list(_texts(rng, number))
        session.entitle(connection, chat.id, texts[0][:40], "model")
        for index, text in enumerate(texts):
            message.insert(connection, Message(chat.id, "assistant" if index % 2 else "user", (TextPart(text),)))


def _texts(rng: random.Random, number: int) -> Iterator[str]:
    for _ in range(MESSAGES):
        yield chinese(rng) if number % 2 else english(rng)
