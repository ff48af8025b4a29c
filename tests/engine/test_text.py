"""Token ids become text that can be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.engine.text import AnswerText, byte_alphabet

STOPS = ("END", "aab", "。。", "\n\nUser:")


def bytes_as_tokens(token: int) -> bytes:
    """Byte values are tokens; 256 is a special one."""
    return bytes([token]) if token < 256 else b""


def pieces(text: str, *stops: str) -> tuple[list[str], bool]:
    answer = AnswerText(bytes_as_tokens, stops)
    shown = [answer.push(token) for token in text.encode()]
    stopped = answer.stopped
    return [*shown, answer.finish()], stopped


def test_a_character_cut_between_tokens_appears_whole() -> None:
    shown, _ = pieces("né 东京 🦊")

    assert [piece for piece in shown if piece] == ["n", "é", " ", "东", "京", " ", "🦊"]


def test_a_character_that_never_becomes_whole_is_dropped() -> None:
    answer = AnswerText(bytes_as_tokens, ())
    shown = "".join(answer.push(token) for token in "ab🦊".encode()[:-1])

    assert shown + answer.finish() == "ab"


def test_special_tokens_have_no_text() -> None:
    answer = AnswerText(bytes_as_tokens, ())

    assert [answer.push(token) for token in (ord("a"), 256, ord("b"))] == ["a", "", "b"]


def test_text_before_a_stop_string_is_shown_and_nothing_of_it_or_after() -> None:
    assert pieces("one END two", "END") == (["o", "n", "e", " ", *[""] * 8], True)


def test_what_only_began_like_a_stop_string_is_shown() -> None:
    shown, stopped = pieces("WEEKEN", "END")

    assert "".join(shown) == "WEEKEN"
    assert not stopped


def test_the_first_of_several_stop_strings_counts() -> None:
    answer = AnswerText(lambda token: b"one STOP two END", ("END", "STOP"))

    assert answer.push(0) == "one "


@given(st.text(alphabet="aEND b。\nUser:é", max_size=40), st.lists(st.sampled_from(STOPS), unique=True))
def test_streamed_text_equals_the_whole_text_up_to_its_first_stop_string(text: str, stops: list[str]) -> None:
    ends = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    # A stop string is met when its last character comes: of two that overlap, the one that is complete first.
    complete = min((text.find(stop) + len(stop) for stop in stops if stop in text), default=None)
    expected = text if complete is None else text[: min(text[:complete].find(s) for s in stops if s in text[:complete])]

    shown, stopped = pieces(text, *stops)

    assert "".join(shown) == expected
    assert stopped == bool(ends)


def test_a_stop_string_that_is_a_tag_stops() -> None:
    text = AnswerText(lambda token: bytes([token]), ["<tool_call>"], ["<tool_call>"])

    assert "".join(text.push(byte) for byte in b"before <tool_call> after") == "before "
    assert text.stopped


TAGGED = "see <tool_call>\nnow, </tool_call> END"


@given(
    st.lists(st.integers(1, len(TAGGED) - 1), unique=True).map(sorted),
    st.sampled_from(["<tool_call>\nnow", "call>", "see <tool_c", "\nnow, </tool_call>", "END", "<tool_call>!"]),
)
def test_a_stop_string_that_holds_a_tag_stops_wherever_it_is_cut(cuts: list[int], stop: str) -> None:
    pieces = [TAGGED[begin:end].encode() for begin, end in zip([0, *cuts], [*cuts, None], strict=True)]
    answer = AnswerText(pieces.__getitem__, (stop,), ("<tool_call>", "</tool_call>"))

    shown = "".join(map(answer.push, range(len(pieces)))) + answer.finish()

    before = TAGGED.partition(stop)[0]
    assert shown == before.replace("<tool_call>", "‹tool_call›").replace("</tool_call>", "‹/tool_call›")
    assert answer.stopped == (stop in TAGGED)


def test_the_byte_alphabet_has_one_character_for_each_byte() -> None:
    alphabet = byte_alphabet()

    assert sorted(alphabet.values()) == list(range(256))
    assert alphabet["A"] == ord("A")
    assert alphabet["Ġ"] == ord(" ")


@pytest.mark.parametrize("cut", range(1, len("a <tool_call> b")))
def test_a_spelled_tag_is_shown_as_one_that_is_none_wherever_it_is_cut(cut: int) -> None:
    text = "a <tool_call> b"
    pieces = {0: text[:cut].encode(), 1: text[cut:].encode()}
    answer = AnswerText(pieces.__getitem__, (), ("<tool_call>",))

    assert answer.push(0) + answer.push(1) + answer.finish() == "a ‹tool_call› b"
