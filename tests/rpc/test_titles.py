"""Whom a chat's title is asked of, and what becomes of what is said. Two providers: one on this computer, one that
counts as another computer's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipe import Json, Pipe
from tests.provider import Provider, replies
from tests.rpc.chatting import Served, Words, ask, begun, ended, served

QUESTION = "How do I get from Lisbon to Porto by train today?"
FIRST_WORDS = "How do I get from Lisbon to Porto"


@pytest.fixture
def near(data_dir: Path) -> Iterator[Served]:
    """On this computer; it has the text job, and is asked in the background, too."""
    with Provider() as provider, Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        near = served(pipe, provider)
        give_text(near)
        yield near


@pytest.fixture
def far(near: Served) -> Iterator[Served]:
    """On another computer."""
    with Provider() as provider:
        yield served(near.pipe, provider, baseUrl=provider.far_url, accept=["plain_http"])


def give_text(to: Served) -> None:
    params = {"capability": "text", "modelId": to.model, "accept": ["leaves_computer"]}
    to.pipe.request("capabilities/assign", params)
    providers = to.pipe.request("providers/list")["providers"]
    (own,) = (each for each in providers if any(model["id"] == to.model for model in each["models"]))
    allowed = {"providerId": own["id"], "background": True, "accept": ["background_leaves"]}
    to.pipe.request("providers/update", allowed)


def forbid_background(pipe: Pipe) -> None:
    for provider in pipe.request("providers/list")["providers"][1:]:
        pipe.request("providers/update", {"providerId": provider["id"], "background": False})


def turn(of: Served, chat: str, question: str = QUESTION) -> Json:
    """A question that is answered to its end."""
    return ended(of.pipe, ask(of.pipe, chat, question, of.model)["answer"])


def title(pipe: Pipe, chat: str) -> str:
    sessions = pipe.request("sessions/list")["sessions"]
    return next(str(session["title"]) for session in sessions if session["id"] == chat)


def entitled(pipe: Pipe, chat: str) -> str:
    """The title that is told after the first words."""
    changed = pipe.take(
        lambda message: (
            message.get("method") == "sessions/changed"
            and message["params"]["session"]["id"] == chat
            and message["params"]["session"]["title"] not in ("", FIRST_WORDS)
        )
    )
    return str(changed["params"]["session"]["title"])


def test_after_the_first_whole_answer_whoever_has_the_text_job_gives_the_chat_a_title(near: Served) -> None:
    chat = begun(near.pipe)
    near.provider.will(replies.chat("By train."), replies.chat(' **"Lisbon to ', 'Porto by train"**', "\n\nThere."))

    turn(near, chat)

    assert entitled(near.pipe, chat) == title(near.pipe, chat) == "Lisbon to Porto by train"
    _, asked = near.provider.bodies
    assert (asked["temperature"], asked["max_tokens"]) == (0, 24)
    assert QUESTION in str(asked["messages"])
    assert "By train." in str(asked["messages"])
    turn(near, chat, "And back?")
    assert len(near.provider.bodies) == 3
    assert title(near.pipe, chat) == "Lisbon to Porto by train"


def test_until_then_and_when_that_fails_the_title_is_the_first_words_of_the_question(near: Served) -> None:
    chat = begun(near.pipe)
    near.provider.will(replies.chat("By train."), replies.status(400), replies.chat("Yes."))
    turn(near, chat)
    near.provider.wait_until(lambda: len(near.provider.log) == 2)
    turn(near, chat, "And back?")
    assert title(near.pipe, chat) == FIRST_WORDS


def test_a_title_that_a_person_gave_is_not_asked_for_and_not_replaced(near: Served) -> None:
    chat = begun(near.pipe)
    near.pipe.request("sessions/rename", {"sessionId": chat, "title": "  My \n journey "})
    near.provider.will(replies.chat("By train."))
    turn(near, chat)
    turn(near, chat, "And back?")
    assert title(near.pipe, chat) == "My journey"
    assert len(near.provider.bodies) == 2


def test_what_stayed_on_this_computer_does_not_leave_it_for_a_title(near: Served, far: Served) -> None:
    give_text(far)
    chat = begun(near.pipe)
    near.provider.will(replies.chat("By train."))
    far.provider.will(replies.chat("A train to Porto"))
    turn(near, chat)
    turn(near, chat, "And back?")
    assert title(near.pipe, chat) == FIRST_WORDS
    assert far.provider.bodies == []


def test_what_left_this_computer_already_may_be_given_a_title_there(near: Served, far: Served) -> None:
    give_text(far)
    chat = begun(near.pipe)
    far.provider.will(replies.chat("By train."), replies.chat("A train to Porto"))
    answer = turn(far, chat)
    assert answer["leavesComputer"] is True
    assert entitled(near.pipe, chat) == "A train to Porto"
    (session,) = near.pipe.request("sessions/list")["sessions"]
    assert session["leavesComputer"] is True
    near.provider.will(replies.chat("Yes."))
    assert turn(near, chat, "And back?")["leavesComputer"] is False
    (session,) = near.pipe.request("sessions/list")["sessions"]
    assert session["leavesComputer"] is True


def test_nobody_is_asked_for_a_title_who_may_not_be_asked_in_the_background(near: Served) -> None:
    forbid_background(near.pipe)
    chat = begun(near.pipe)
    near.provider.will(replies.chat("By train."))
    turn(near, chat)
    turn(near, chat, "And back?")
    assert title(near.pipe, chat) == FIRST_WORDS
    assert len(near.provider.bodies) == 2


def test_a_title_without_end_is_cut(near: Served) -> None:
    chat = begun(near.pipe)
    endless = replies.Reply(headers={"Content-Type": "text/event-stream"}, parts=Words(0))
    near.provider.will(replies.chat("By train."), endless)

    turn(near, chat)

    assert entitled(near.pipe, chat) == "0 1 2 3 4 5"
    near.provider.wait_until(lambda: near.provider.log[-1].gone)
