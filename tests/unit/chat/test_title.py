"""What is made of a question and of a model's words for a title."""

import pytest

from sidecar.chat import title
from sidecar.store.message import ImagePart, Message, TextPart


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Lisbon to Porto", "Lisbon to Porto"),
        (' "Lisbon to Porto."\n', "Lisbon to Porto"),
        ("**Lisbon to Porto**", "Lisbon to Porto"),
        ("Title: “Lisbon”", "Lisbon"),
        ("# Lisbon\n\nIs a city", "Lisbon"),
        ("\n\n…\nLisbon", "Lisbon"),
        ("「里斯本的火车」", "里斯本的火车"),
        ("标题：去波尔图", "去波尔图"),
        ("one two  three\tfour five six seven", "one two three four five six"),
        ("don't stop", "don't stop"),
        ("C++?", "C++?"),
        ("a\x07b", "ab"),
        ("", ""),
        (' "" \n ***', ""),
    ],
)
def test_a_title_is_the_first_words_without_what_models_put_round_them(said: str, wanted: str) -> None:
    assert title.cleaned(said) == wanted


@pytest.mark.parametrize("said", ['{"name": "remind_me"}', "[1, 2]", "<tool_call>\n{}", '```\n{"a": 1}'])
def test_code_is_no_title(said: str) -> None:
    assert title.cleaned(said) == ""


def test_a_title_without_spaces_is_cut_by_its_characters() -> None:
    assert title.cleaned("长" * 100) == "长" * (title.MAX_CHARACTERS - 1) + "…"


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("What is\n this?", "What is this?"),
        ("one two three four five six seven eight nine", "one two three four five six seven eight"),
        ("  ", ""),
        ("长" * 100, "长" * (title.MAX_CHARACTERS - 1) + "…"),
    ],
)
def test_the_first_words_of_a_question_are_a_title_for_now(question: str, wanted: str) -> None:
    assert title.first_words(Message("", "user", (ImagePart("0"), TextPart(question)))) == wanted
