"""Chats found by words, in both languages."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.errors import InvalidRequest
from sidecar.store import Database, message, search, session
from sidecar.store.message import Message, TextPart
from tests.pipe import ROOT
from tests.unit.store.conftest import Opening


async def chat_of(database: Database, *said: str, title: str = "") -> str:
    """A new chat in which that was said."""
    chat = (await database.write(session.insert)).id
    if title:
        await database.write(session.entitle, chat, title, "person")
    for text in said:
        await database.write(message.insert, Message(chat, "user", (TextPart(text),)))
    return chat


async def found(database: Database, words: str) -> dict[str, str | None]:
    """The chats that were found and where."""
    sessions, cursor = await database.read(search.found, words, None, 100)
    assert cursor is None
    return {each.id: each.snippet for each in sessions}


@pytest.mark.parametrize(
    ("words", "snippet"),
    [
        ("东京", "我想去«东京»看樱花"),
        ("看樱", "我想去东京«看樱»花"),
        ("naive", "How «naïve» of me"),
        ("NAÏVE", "How «naïve» of me"),
        ("nai", "How «naïve» of me"),
        ("me naive", "How «naïve» of «me»"),
        ("strasse", "Die «Straße»"),
        ("hello", "«ＨＥＬＬＯ»"),
        ("下载", "请«下载»它"),
        ("don't", "I «don't» know"),
        ("C++", "In «C»++"),
    ],
)
async def test_words_are_found_without_case_and_accents_and_chinese_ones_within_a_sentence(
    database: Database, words: str, snippet: str
) -> None:
    texts = ["我想去东京看樱花", "How naïve of me", "Die Straße", "ＨＥＬＬＯ", "请下载它", "I don't know", "In C++"]
    for text in texts:
        await chat_of(database, text)

    assert list((await found(database, words)).values()) == [snippet]


@pytest.mark.parametrize("words", ["京东", "naiv e", "aive", "载下", "东京 下载"])
async def test_what_is_not_there_is_not_found(database: Database, words: str) -> None:
    for text in ("我想去东京看樱花", "How naïve of me", "请下载它"):
        await chat_of(database, text)

    assert await found(database, words) == {}


@pytest.mark.parametrize(
    "words", ['"', "'", "*", "a OR", "NOT", "NEAR(a b)", "title:a", "^a", "a\x00b", "-", "(", ")", "a AND b", "{", "\\"]
)
async def test_what_people_type_is_never_an_operator(database: Database, words: str) -> None:
    chat = await chat_of(database, f"we said {words} here")
    assert set(await found(database, words)) <= {chat}
    assert await found(database, f"{words} zebra") == {}


@pytest.mark.parametrize("words", ["", " ", "…", "!?"])
async def test_no_words_find_nothing(database: Database, words: str) -> None:
    await chat_of(database, "something …!?")
    assert await found(database, words) == {}


async def test_a_title_is_found_and_comes_first(database: Database) -> None:
    said = await chat_of(database, "the weather in Lisbon", "and more")
    titled = await chat_of(database, "nothing", title="Weather")

    assert list((await found(database, "weather")).items()) == [
        (titled, "«Weather»"),
        (said, "the «weather» in Lisbon"),
    ]
    await database.write(session.entitle, titled, "Climate", "person")
    assert set(await found(database, "weather")) == {said}
    assert set(await found(database, "climate")) == {titled}


async def test_a_chat_is_found_once_and_every_page_goes_on_where_the_one_before_ended(database: Database) -> None:
    chats = [await chat_of(database, "rain", "more rain", "rain again", title="Rain") for _ in range(7)]

    pages: list[list[str]] = []
    cursor = None
    while not pages or cursor:
        page, cursor = await database.read(search.found, "rain", cursor, 3)
        pages.append([each.id for each in page])

    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(id_ for page in pages for id_ in page) == sorted(chats)
    with pytest.raises(InvalidRequest):
        await database.read(search.found, "rain", "-1", 3)


async def test_an_answer_is_found_when_it_has_ended_and_no_more_when_it_goes_on_or_is_deleted(
    database: Database,
) -> None:
    chat = await chat_of(database, "a question")
    answer = Message(chat, "assistant", (TextPart(""),), "streaming")
    await database.write(message.insert, answer)
    await database.write(message.update, answer.saying("zebras"))
    assert await found(database, "zebras") == {}

    await database.write(message.update, replace(answer.saying("zebras graze"), state="interrupted"))
    assert await found(database, "zebras") == {chat: "«zebras» graze"}

    await database.write(message.update, answer.saying("zebras graze"))
    assert await found(database, "zebras") == {}

    await database.write(message.update, replace(answer.saying("zebras graze here"), state="complete"))
    assert await found(database, "zebras") == {chat: "«zebras» graze here"}

    await database.write(message.delete_from, answer)
    assert await found(database, "zebras") == {}
    assert await found(database, "question") == {chat: "a «question»"}

    await database.write(session.delete, chat)
    assert await found(database, "question") == {}
    await database.write(check)


async def test_of_a_book_the_beginning_is_searched(database: Database) -> None:
    chat = await chat_of(database, "zebras " + "word " * 100_000 + "ocelots")
    assert set(await found(database, "zebras")) == {chat}
    assert await found(database, "ocelots") == {}
    await database.write(session.delete, chat)
    await database.write(check)


def check(connection: object) -> None:
    """Raises where the index and what it was made of differ."""
    for table in ("session_search", "message_search"):
        connection.execute(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")  # type: ignore[attr-defined]


async def test_a_start_reads_the_index_and_splits_no_text(opening: Opening, path: Path, copies: Path) -> None:
    with opening() as database:
        await chat_of(database, "a question", title="A title")
    opened = f"""
import sys
from pathlib import Path
from sidecar.store.opening import opened
opened(Path({str(path)!r}), Path({str(copies)!r}), lambda connection: None).close()
assert "apsw.fts5" not in sys.modules
"""
    run(opened)


def run(program: str) -> None:
    """Runs it in a process of its own."""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)
