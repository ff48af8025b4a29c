"""Kept chats answered by the engine: a model of random weights whose context is soon full."""

import hashlib
from pathlib import Path

from PIL import Image

from tests.pipe import Pipe
from tests.rpc.chatting import (
    SLOW,
    ask,
    begun,
    ended,
    event_of,
    is_streaming,
    messages,
    next_delta,
    text_of,
    texts,
    told,
)


def test_an_answer_of_the_engine_is_kept_as_it_was_told_and_the_chat_gets_a_title(brief_chat: Pipe) -> None:
    chat = begun(brief_chat)
    asked = ask(brief_chat, chat, "What is the weather like in Lisbon in the spring?")
    answer = asked["answer"]
    assert (answer["providerName"], answer["leavesComputer"]) == ("[Builtin]", False)

    whole = ended(brief_chat, answer)

    assert (whole["state"], whole["finishReason"], whole["droppedBefore"]) == ("complete", "length", 0)
    assert text_of(whole) == told(brief_chat, answer) != ""
    assert messages(brief_chat, chat) == [asked["question"], whole]
    first_words = "What is the weather like in Lisbon in"
    entitled = brief_chat.take(
        lambda message: (
            message.get("method") == "sessions/changed"
            and message["params"]["session"]["id"] == chat
            and message["params"]["session"]["title"] not in ("", first_words)
        ),
        timeout=SLOW,
    )["params"]["session"]
    assert len(entitled["title"].split()) <= 6
    assert brief_chat.request("sessions/list", {"limit": 1})["sessions"] == [entitled]


def test_a_chat_that_outgrows_the_context_loses_its_oldest_turns_and_never_its_newest_question(
    brief_chat: Pipe,
) -> None:
    chat = begun(brief_chat)
    for number in range(3):
        answer = ask(brief_chat, chat, f"Question number {number}")["answer"]
        whole = ended(brief_chat, answer)
        assert whole["state"] == "complete", whole["kind"]
        # Each answer fills the context alone.
        assert whole["droppedBefore"] == 2 * number
    assert len(messages(brief_chat, chat)) == 6

    too_long = ended(brief_chat, ask(brief_chat, chat, "word " * 2000)["answer"])
    assert (too_long["state"], too_long["kind"]) == ("interrupted", "context_length_exceeded")
    assert ended(brief_chat, ask(brief_chat, chat, "Shorter?")["answer"])["state"] == "complete"


def test_an_answer_that_meets_the_end_of_the_context_goes_on_without_the_oldest_turns(brief_chat: Pipe) -> None:
    chat = begun(brief_chat)
    stopped = ask(brief_chat, chat, "One? " * 40)["answer"]
    next_delta(brief_chat, stopped)
    brief_chat.request("sessions/stop", {"sessionId": chat})
    answer = ask(brief_chat, chat, "Two?")["answer"]

    whole = ended(brief_chat, answer)

    assert (whole["state"], whole["finishReason"], whole["droppedBefore"]) == ("complete", "length", 2)
    assert text_of(whole) == told(brief_chat, answer)


def test_a_stopped_answer_is_continued_by_the_engine_where_it_stopped(brief_chat: Pipe) -> None:
    chat = begun(brief_chat)
    answer = ask(brief_chat, chat, "Go on and on")["answer"]
    for _ in range(5):
        next_delta(brief_chat, answer)
    brief_chat.request("sessions/stop", {"sessionId": chat})
    kept = text_of(messages(brief_chat, chat)[1])
    event_of(brief_chat, answer, lambda event: event["type"] == "message" and not is_streaming(event), SLOW)

    brief_chat.request("sessions/continue", {"sessionId": chat, "messageId": answer["id"]})

    whole = text_of(ended(brief_chat, answer))
    assert whole.startswith(kept)
    assert len(whole) > len(kept)
    assert texts(brief_chat, chat) == ["Go on and on", whole]


def test_a_picture_of_the_attachments_is_shown_to_the_engine(chat: Pipe, chat_folder: Path) -> None:
    path = chat_folder / "attachments" / "picture.png"
    Image.new("RGB", (64, 64), "red").save(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    path.rename(path.with_name(f"{sha256}.png"))
    session = begun(chat)
    answer = ask(chat, session, "What is it?", None, sha256)["answer"]
    next_delta(chat, answer)
    chat.request("sessions/stop", {"sessionId": session})
    assert messages(chat, session)[1]["kind"] is None
    chat.request("sessions/delete", {"sessionId": session})
    assert not list(chat_folder.glob(f"attachments/{sha256}*"))


def test_answers_stream_side_by_side_and_one_that_leaves_takes_nothing_from_the_others(chat: Pipe) -> None:
    sessions = [begun(chat) for _ in range(3)]
    answers = [ask(chat, session, f"Question {number}")["answer"] for number, session in enumerate(sessions)]
    for answer in answers:
        next_delta(chat, answer)
    chat.request("sessions/delete", {"sessionId": sessions[0]})
    for answer in answers[1:]:
        next_delta(chat, answer)
    for session in sessions[1:]:
        chat.request("sessions/stop", {"sessionId": session})
        assert messages(chat, session)[1]["state"] == "interrupted"
