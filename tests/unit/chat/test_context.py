"""What of a chat is read, and what is dropped where it does not fit."""

from dataclasses import replace

import pytest

from sidecar.chat.context import Context, is_too_long
from sidecar.errors import ContextLengthExceeded, EngineFailed, InvalidImage, ProviderRejected, SidecarError
from sidecar.store.message import ImagePart, Message, TextPart


def chat(*turns: tuple[str, ...]) -> Context:
    """Each turn a question and its answers."""
    return Context.of(
        [
            Message("", "assistant" if number else "user", (TextPart(text),))
            for turn in turns
            for number, text in enumerate(turn)
        ]
    )


def contents(context: Context) -> list[object]:
    return [message["content"] for message in context.messages()]


TEN = [(f"question {number}", "answer") for number in range(10)]


def test_a_chat_is_read_from_its_first_message_to_the_newest_question() -> None:
    context = chat(("one", "two"), ("three",))
    assert context.messages() == [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ]


def test_an_answer_without_a_word_is_left_out_and_one_that_broke_off_is_read() -> None:
    assert contents(chat(("one", ""), ("two", "thr"), ("four",))) == ["one", "two", "thr", "four"]


@pytest.mark.parametrize(
    ("kind", "text", "read"),
    [
        ("invalid_image", "", ["three"]),
        ("invalid_request", "", ["three"]),
        ("invalid_image", "tw", ["one", "tw", "three"]),
        ("engine_failed", "", ["one", "three"]),
        (None, "", ["one", "three"]),
    ],
)
def test_a_question_that_cannot_be_answered_as_it_is_is_left_out_of_what_comes_after_it(
    kind: str | None, text: str, read: list[str]
) -> None:
    asked = Message("", "user", (TextPart("one"),))
    broken = Message("", "assistant", (TextPart(text),), state="interrupted", kind=kind)
    later = Message("", "user", (TextPart("three"),))
    assert contents(Context.of([asked, broken, later])) == read
    assert contents(Context.of([asked])) == ["one"]


def test_what_cannot_be_read_any_more_is_left_out_a_question_with_its_answer() -> None:
    asked = Message("", "user", (TextPart("one"),))
    answered = Message("", "assistant", (TextPart("two"),))
    later = Message("", "user", (TextPart("three"),))
    assert contents(Context.of([replace(asked, parts=()), answered, later])) == ["three"]
    assert contents(Context.of([asked, replace(answered, parts=()), later])) == ["one", "three"]


def test_pictures_stand_where_they_were_shown() -> None:
    context = Context.of([Message("", "user", (TextPart("this"), ImagePart("0a"), TextPart("or that?")))])
    assert context.messages() == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "this"},
                {"type": "image_url", "image_url": {"url": "attachment:0a"}},
                {"type": "text", "text": "or that?"},
            ],
        }
    ]


def test_as_many_turns_are_dropped_as_the_error_says_are_too_many() -> None:
    shorter = chat(*TEN).shorter(ContextLengthExceeded("", promptTokens=1000, contextTokens=800))
    assert (len(shorter.turns), shorter.dropped) == (6, 8)  # 600 of 1,000 tokens


def test_an_error_that_does_not_say_how_much_drops_half() -> None:
    shorter = chat(*TEN).shorter(ContextLengthExceeded())
    assert (len(shorter.turns), shorter.dropped) == (5, 10)


def test_a_long_chat_of_which_only_the_newest_question_fits_needs_few_tries() -> None:
    context, tries = chat(*[("q", "a")] * 1000, ("newest",)), 0
    while len(context.turns) > 1:
        context = context.shorter(ContextLengthExceeded("", promptTokens=10**6, contextTokens=10**6 - 1))
        tries += 1
    assert tries <= 12
    assert contents(context) == ["newest"]
    assert context.dropped == 2000
    with pytest.raises(ContextLengthExceeded):
        context.shorter(ContextLengthExceeded())


def test_what_was_dropped_the_last_time_is_not_tried_again() -> None:
    context = chat(*TEN).without_first(4)
    assert (len(context.turns), context.dropped) == (8, 4)
    assert len(chat(("one",)).without_first(4).turns) == 1


def test_a_picture_weighs_as_much_as_it_takes() -> None:
    picture = Message("", "user", (ImagePart("0a"), TextPart("what?")))
    words = [Message("", "user", (TextPart("word " * 20),)) for _ in range(3)]
    shorter = Context.of([picture, *words]).shorter(ContextLengthExceeded())
    assert (len(shorter.turns), shorter.dropped) == (3, 1)


def test_an_answer_that_goes_on_is_the_last_message() -> None:
    context = chat(("one",)).continuing(Message("", "assistant", (TextPart("begun"),)))
    context = context.continuing(Message("", "assistant", (TextPart("begun and"),)))
    assert contents(context) == ["one", "begun and"]


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (ContextLengthExceeded(), True),
        (InvalidImage("", reason="too_many_pictures"), True),
        (InvalidImage("", reason="missing"), False),
        (ProviderRejected("", said="This model's maximum context length is 8192 tokens. However …"), True),
        (ProviderRejected("", said="the request exceeds the available context size"), True),
        (ProviderRejected("", said='{"code": "context_length_exceeded"}'), True),
        (ProviderRejected("", said="prompt is too long: 9000 tokens > 8192"), True),
        (ProviderRejected("", said="no such model"), False),
        (ProviderRejected(""), False),
        (EngineFailed("context length"), False),
    ],
)
def test_what_is_too_long_is_told_from_what_failed_otherwise(error: SidecarError, wanted: bool) -> None:
    assert is_too_long(error) is wanted
