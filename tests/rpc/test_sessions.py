"""`sessions/…` through the pipe, answered by a provider of this computer, which says word by word what a test wants."""

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.pipe import Json, Pipe, RpcError
from tests.provider import Provider, replies
from tests.rpc.chatting import (
    Served,
    ask,
    begun,
    ended,
    messages,
    next_delta,
    served,
    text_of,
    text_part,
    texts,
    told,
)

NO_PICTURE = "0" * 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def one(folder: Path) -> Iterator[Served]:
    with Provider() as provider, Pipe.sidecar(folder) as pipe:
        pipe.initialize()
        yield served(pipe, provider)


@pytest.fixture
def gate(one: Served) -> Iterator[threading.Event]:
    """Answers stop after their first word until it is set, which the end of the test does."""
    gate = threading.Event()
    one.provider.will(replies.chat("First", " second", " third", gate=gate))
    yield gate
    gate.set()


def attached(folder: Path, colour: int) -> str:
    """A picture among the attachments."""
    path = folder / "attachments" / "picture.png"
    Image.new("RGB", (64, 64), (colour, 0, 0)).save(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    path.rename(path.with_name(f"{sha256}.png"))
    return sha256


def refused(pipe: Pipe, method: str, params: Json) -> RpcError:
    with pytest.raises(RpcError) as error:
        pipe.request(method, params)
    return error.value


def whole_turn(one: Served, session_id: str, question: str, answer: str, *pictures: str) -> Json:
    """A question that is answered to the end."""
    one.provider.will(replies.chat(answer))
    asked = ask(one.pipe, session_id, question, one.model, *pictures)
    ended(one.pipe, asked["answer"])
    return asked


def test_question_and_answer_are_kept_before_the_answer_is_there(one: Served, gate: threading.Event) -> None:
    chat = begun(one.pipe)
    asked = ask(one.pipe, chat, "Well?", one.model)

    assert messages(one.pipe, chat)[0] == asked["question"]
    assert (asked["question"]["state"], asked["answer"]["state"]) == ("complete", "streaming")
    answer = asked["answer"]
    assert (answer["modelName"], answer["providerName"], answer["leavesComputer"]) == ("Far", "Ray", False)
    gate.set()
    whole = ended(one.pipe, answer)
    assert (text_of(whole), whole["state"], whole["finishReason"]) == ("First second third", "complete", "stop")
    assert told(one.pipe, answer) == "First second third"
    assert messages(one.pipe, chat) == [asked["question"], whole]


def test_who_comes_while_an_answer_streams_gets_its_text_and_then_the_rest(one: Served, gate: threading.Event) -> None:
    chat = begun(one.pipe)
    answer = ask(one.pipe, chat, "Well?", one.model)["answer"]
    next_delta(one.pipe, answer)

    _, now = messages(one.pipe, chat)
    assert (text_of(now), now["state"]) == ("First", "streaming")
    gate.set()
    assert next_delta(one.pipe, answer) == {"type": "delta", "offset": len("First"), "text": " second"}
    ended(one.pipe, answer)


@pytest.mark.parametrize("attempt", range(4))
def test_a_request_that_is_cancelled_did_nothing_or_its_answer_comes_all_the_same(
    one: Served, gate: threading.Event, attempt: int
) -> None:
    chat = begun(one.pipe)
    params = {"sessionId": chat, "parts": [text_part("Well?")], "model": one.model}
    request_id = one.pipe.send("sessions/send", params)
    if attempt % 2:
        one.pipe.request("ping")  # so that it is under way
    one.pipe.cancel(request_id)
    one.pipe.response(request_id)
    try:
        ask(one.pipe, chat, "And?", one.model)
        question = "And?"
    except RpcError as error:
        assert error.kind == "session_busy"  # noqa: PT017
        question = "Well?"
    begins = one.pipe.take(
        lambda message: message.get("method") == "sessions/event" and message["params"]["sessionId"] == chat
    )
    gate.set()
    ended(one.pipe, begins["params"]["event"]["message"])
    assert texts(one.pipe, chat) == [question, "First second third"]


def test_one_answer_at_a_time_streams_in_a_chat_and_other_chats_go_on_beside_it(
    one: Served, gate: threading.Event
) -> None:
    chats = [begun(one.pipe) for _ in range(3)]
    answers = [ask(one.pipe, chat, "Well?", one.model)["answer"] for chat in chats]
    for answer in answers:
        assert next_delta(one.pipe, answer)["text"] == "First"

    for method, more in (
        ("send", {"parts": [text_part("And?")]}),
        ("regenerate", {"messageId": answers[0]["id"]}),
        ("continue", {"messageId": answers[0]["id"]}),
    ):
        assert refused(one.pipe, f"sessions/{method}", {"sessionId": chats[0]} | more).kind == "session_busy"
    gate.set()
    for chat, answer in zip(chats, answers, strict=True):
        assert text_of(ended(one.pipe, answer)) == "First second third"
        assert texts(one.pipe, chat) == ["Well?", "First second third"]


def test_a_stopped_answer_keeps_what_was_said_and_goes_on_from_there(one: Served, gate: threading.Event) -> None:
    chat = begun(one.pipe)
    answer = ask(one.pipe, chat, "Well?", one.model)["answer"]
    next_delta(one.pipe, answer)

    one.pipe.request("sessions/stop", {"sessionId": chat})

    stopped = messages(one.pipe, chat)[1]
    assert (text_of(stopped), stopped["state"], stopped["kind"]) == ("First", "interrupted", None)
    one.provider.wait_until(lambda: one.provider.log[-1].gone)

    one.provider.will(replies.chat(" of", " all"))
    more = one.pipe.request("sessions/continue", {"sessionId": chat, "messageId": answer["id"], "model": one.model})
    assert more["answer"]["id"] == answer["id"]
    assert text_of(ended(one.pipe, answer)) == "First"  # the end that the stop told
    assert next_delta(one.pipe, answer)["offset"] == len("First")
    assert text_of(ended(one.pipe, answer)) == "First of all"
    assert one.provider.bodies[-1]["messages"][-1] == {"role": "assistant", "content": "First"}
    assert texts(one.pipe, chat) == ["Well?", "First of all"]
    one.pipe.request("sessions/stop", {"sessionId": chat})  # nothing streams, and that is fine


def test_only_the_last_answer_goes_on_and_only_if_it_broke_off(one: Served) -> None:
    chat = begun(one.pipe)
    first = whole_turn(one, chat, "One?", "Yes.")
    assert (
        refused(one.pipe, "sessions/continue", {"sessionId": chat, "messageId": first["answer"]["id"]}).kind
        == "invalid_request"
    )
    one.provider.will(replies.chat("Half", reason="length"))
    second = ask(one.pipe, chat, "Two?", one.model)["answer"]
    assert ended(one.pipe, second)["finishReason"] == "length"
    one.provider.will(replies.chat(" whole"))
    one.pipe.request("sessions/continue", {"sessionId": chat, "messageId": second["id"], "model": one.model})
    assert text_of(ended(one.pipe, second)) == "Half whole"


def test_an_answer_that_breaks_off_says_why_and_keeps_what_was_said(one: Served) -> None:
    chat = begun(one.pipe)
    one.provider.will(replies.stream(replies.delta("Half"), end="cut"))
    answer = ask(one.pipe, chat, "Well?", one.model)["answer"]
    broken = ended(one.pipe, answer)
    assert (text_of(broken), broken["state"], broken["kind"]) == ("Half", "interrupted", "provider_unreachable")
    assert messages(one.pipe, chat)[1] == broken


def test_the_words_with_which_a_provider_refuses_stay_until_it_answers(one: Served) -> None:
    chat = begun(one.pipe)
    one.provider.will(replies.status(429, "You exceeded your current quota."))
    answer = ask(one.pipe, chat, "Well?", one.model)["answer"]
    refused = ended(one.pipe, answer)
    assert (refused["kind"], refused["said"]) == ("provider_rate_limited", "You exceeded your current quota.")
    assert messages(one.pipe, chat)[1] == refused

    one.provider.will(replies.chat("Yes."))
    params = {"sessionId": chat, "messageId": answer["id"], "model": one.model}
    again = one.pipe.request("sessions/continue", params)["answer"]
    assert again["said"] is None
    assert ended(one.pipe, again)["said"] is None
    assert messages(one.pipe, chat)[1]["said"] is None


def test_what_is_too_long_for_a_provider_is_asked_again_without_the_oldest_turns(one: Served) -> None:
    chat = begun(one.pipe)
    for number in range(4):
        whole_turn(one, chat, f"Q{number}", f"A{number}")
    too_long = replies.status(400, "This model's maximum context length is 16 tokens.")
    one.provider.will(too_long, replies.chat("Yes."))
    whole = ended(one.pipe, ask(one.pipe, chat, "Q4", one.model)["answer"])
    assert (text_of(whole), whole["state"], whole["droppedBefore"]) == ("Yes.", "complete", 6)
    assert [message["content"] for message in one.provider.bodies[-1]["messages"]] == ["Q3", "A3", "Q4"]

    one.provider.will(replies.chat("No."))
    whole = ended(one.pipe, ask(one.pipe, chat, "Q5", one.model)["answer"])
    assert whole["droppedBefore"] == 6  # what did not fit is not tried again
    one.provider.will(too_long)
    broken = ended(one.pipe, ask(one.pipe, chat, "Q6", one.model)["answer"])
    assert (broken["state"], broken["kind"]) == ("interrupted", "provider_rejected")


def test_answered_anew_a_question_has_another_answer_and_what_came_after_is_gone(one: Served) -> None:
    chat = begun(one.pipe)
    first = whole_turn(one, chat, "One?", "Yes.")
    whole_turn(one, chat, "Two?", "No.")

    one.provider.will(replies.chat("Perhaps."))
    params = {"sessionId": chat, "messageId": first["answer"]["id"], "model": one.model}
    needed = refused(one.pipe, "sessions/regenerate", params)
    assert (needed.kind, needed.data["details"]["needs"]) == ("consent_needed", ["deletes_rest"])
    assert texts(one.pipe, chat) == ["One?", "Yes.", "Two?", "No."]
    anew = one.pipe.request("sessions/regenerate", params | {"accept": ["deletes_rest"]})

    assert anew["question"] == first["question"]
    assert anew["answer"]["id"] != first["answer"]["id"]
    ended(one.pipe, anew["answer"])
    assert texts(one.pipe, chat) == ["One?", "Perhaps."]
    assert one.provider.bodies[-1]["messages"] == [{"role": "user", "content": "One?"}]
    assert refused(one.pipe, "sessions/regenerate", params).kind == "message_not_found"
    one.provider.will(replies.chat("No."))  # of the last turn nobody has to agree
    last = one.pipe.request("sessions/regenerate", params | {"messageId": anew["answer"]["id"]})
    ended(one.pipe, last["answer"])


def test_asked_in_other_words_a_question_keeps_its_place_and_what_came_after_is_gone(one: Served, folder: Path) -> None:
    chat = begun(one.pipe)
    old = attached(folder, 1)
    whole_turn(one, chat, "One?", "Yes.")
    second = whole_turn(one, chat, "Two?", "No.", old)
    new = attached(folder, 2)
    whole_turn(one, chat, "Three?", "No.")

    one.provider.will(replies.chat("Perhaps."))
    parts = [{"type": "image", "attachment": new}, text_part("Zwei?")]
    params = {"sessionId": chat, "messageId": second["question"]["id"], "parts": parts, "model": one.model}
    assert refused(one.pipe, "sessions/edit", params).kind == "consent_needed"
    assert len(texts(one.pipe, chat)) == 6
    edited = one.pipe.request("sessions/edit", params | {"accept": ["deletes_rest"]})

    assert (edited["question"]["id"], edited["question"]["parts"]) == (second["question"]["id"], parts)
    ended(one.pipe, edited["answer"])
    assert texts(one.pipe, chat) == ["One?", "Yes.", "Zwei?", "Perhaps."]
    assert not list(folder.glob(f"attachments/{old}*"))
    assert list(folder.glob(f"attachments/{new}*"))
    wrong = params | {"messageId": edited["answer"]["id"]}
    assert refused(one.pipe, "sessions/edit", wrong).kind == "invalid_request"
    one.provider.will(replies.chat("Surely."))  # nothing comes after that turn now: nobody has to agree
    ended(one.pipe, one.pipe.request("sessions/edit", params)["answer"])
    one.pipe.request("sessions/delete", {"sessionId": chat})
    assert not list(folder.glob(f"attachments/{new}*"))


def test_a_deleted_chat_stops_and_takes_along_only_the_pictures_that_no_other_one_has(
    one: Served, folder: Path, gate: threading.Event
) -> None:
    shared, own, unsent = (attached(folder, colour) for colour in (3, 4, 5))
    other = begun(one.pipe)
    stays = ask(one.pipe, other, "This?", one.model, shared)["answer"]
    chat = begun(one.pipe)
    asked = ask(one.pipe, chat, "These?", one.model, shared, own)
    next_delta(one.pipe, asked["answer"])

    one.pipe.request("sessions/delete", {"sessionId": chat})

    assert ended(one.pipe, asked["answer"])["state"] == "interrupted"
    assert refused(one.pipe, "sessions/messages", {"sessionId": chat}).kind == "session_not_found"
    there = {path.stem for path in folder.glob("attachments/*")}
    assert {shared, unsent} <= there
    assert own not in there
    gate.set()
    ended(one.pipe, stays)
    one.pipe.request("sessions/delete", {"sessionId": other})
    assert shared not in {path.stem for path in folder.glob("attachments/*")}


def test_a_title_has_no_control_characters(one: Served) -> None:
    chat = begun(one.pipe)
    title = "A\0 title\u0007 of \0\ttwo\nlines\u009f"
    renamed = one.pipe.request("sessions/rename", {"sessionId": chat, "title": title})["session"]
    assert renamed["title"] == "A title of two lines"
    assert refused(one.pipe, "sessions/rename", {"sessionId": chat, "title": "\0"}).kind == "invalid_request"
    asked = begun(one.pipe)
    whole_turn(one, asked, "Who\0 goes\u0007 there?", "Me.")
    (found,) = one.pipe.request("sessions/list", {"search": "goes"})["sessions"]
    assert (found["id"], found["title"]) == (asked, "Who goes there?")


def test_a_deleted_chat_leaves_the_picture_that_was_attached_to_another_question_since(
    one: Served, folder: Path
) -> None:
    chat, other = begun(one.pipe), begun(one.pipe)
    picture = attached(folder, 7)
    asked = whole_turn(one, chat, "This?", "Red.", picture)
    (path,) = folder.glob(f"attachments/{picture}*")
    later = asked["question"]["createdAt"] / 1000 + 1
    os.utime(path, (later, later))  # as attaching it again does

    one.pipe.request("sessions/delete", {"sessionId": chat})

    whole_turn(one, other, "And this?", "Red.", picture)


def test_a_picture_that_cannot_be_opened_fails_the_answer_about_it_and_no_later_one(one: Served, folder: Path) -> None:
    one.provider.will(replies.chat("Hello."))
    session_id = begun(one.pipe)
    broken = hashlib.sha256(b"no picture").hexdigest()
    (folder / "attachments" / f"{broken}.png").write_bytes(b"no picture")
    about_it = ended(one.pipe, ask(one.pipe, session_id, "What is it?", one.model, broken)["answer"])
    assert (about_it["state"], about_it["kind"]) == ("interrupted", "invalid_image")
    later = ended(one.pipe, ask(one.pipe, session_id, "Then hello.", one.model)["answer"])
    assert (later["state"], text_of(later)) == ("complete", "Hello.")
    asked = next(body for body in reversed(one.provider.bodies) if "Then hello." in str(body["messages"]))
    assert asked["messages"] == [{"role": "user", "content": "Then hello."}]


def test_a_picture_that_is_not_there_is_refused_and_nothing_is_written(one: Served, folder: Path) -> None:
    chat = begun(one.pipe)
    there = attached(folder, 6)
    parts = [{"type": "image", "attachment": sha256} for sha256 in (there, NO_PICTURE)]
    error = refused(one.pipe, "sessions/send", {"sessionId": chat, "parts": parts, "model": one.model})
    assert error.kind == "invalid_image"
    assert error.data["details"] == {"reason": "missing", "index": 1}
    assert messages(one.pipe, chat) == []
    whole_turn(one, chat, "This?", "Red.", there)
    shown, said = one.provider.bodies[-1]["messages"][0]["content"]
    assert shown["image_url"]["url"].startswith("data:image/")
    assert said == {"type": "text", "text": "This?"}


@pytest.mark.parametrize(
    ("method", "params", "kind"),
    [
        ("send", {"parts": [text_part("Well?")], "model": "nobody"}, "model_not_found"),
        ("send", {"parts": [text_part(" \n")]}, "invalid_request"),
        ("send", {"parts": []}, "invalid_params"),
        ("rename", {"title": " "}, "invalid_request"),
        ("regenerate", {"messageId": "gone"}, "message_not_found"),
        ("messages", {"before": "gone"}, "message_not_found"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(one: Served, method: str, params: Json, kind: str) -> None:
    chat = begun(one.pipe)
    assert refused(one.pipe, f"sessions/{method}", {"sessionId": chat} | params).kind == kind
    assert messages(one.pipe, chat) == []
    if method in ("send", "rename") and kind == "model_not_found":
        params = params | {"model": one.model}
        assert refused(one.pipe, f"sessions/{method}", {"sessionId": "gone"} | params).kind == "session_not_found"


def test_chats_are_listed_the_last_changed_first_and_found_by_what_was_said(one: Served) -> None:
    chats = [begun(one.pipe) for _ in range(3)]
    whole_turn(one, chats[0], "请下载它 naïvely", "An ocelot.")

    first = one.pipe.request("sessions/list", {"limit": 2})
    second = one.pipe.request("sessions/list", {"limit": 2, "cursor": first["cursor"]})
    listed = [session["id"] for session in (*first["sessions"], *second["sessions"])]
    assert listed[:3] == [chats[0], chats[2], chats[1]]
    for words, snippet in (("下载", "«下载»"), ("naive", "«naïvely»"), ("ocelot", "An «ocelot».")):
        (found,) = one.pipe.request("sessions/list", {"search": words})["sessions"]
        assert found["id"] == chats[0]
        assert snippet in found["snippet"]
    (blank,) = one.pipe.request("sessions/list", {"search": "  ", "limit": 1})["sessions"]
    assert (blank["id"], blank["snippet"]) == (chats[0], None)
    for cursor in ("x", "-1.5", "1_0.2", "٣.4", "99999999999999999999.1"):
        assert refused(one.pipe, "sessions/list", {"cursor": cursor}).kind == "invalid_request"


def test_older_messages_come_page_by_page(one: Served) -> None:
    chat = begun(one.pipe)
    for number in range(3):
        whole_turn(one, chat, f"Q{number}", f"A{number}")
    newest = one.pipe.request("sessions/messages", {"sessionId": chat, "limit": 4})
    assert [text_of(message) for message in newest["messages"]] == ["Q1", "A1", "Q2", "A2"]
    assert newest["more"]
    before = {"sessionId": chat, "limit": 4, "before": newest["messages"][0]["id"]}
    oldest = one.pipe.request("sessions/messages", before)
    assert [text_of(message) for message in oldest["messages"]] == ["Q0", "A0"]
    assert not oldest["more"]


def test_what_is_said_in_a_chat_does_not_get_into_the_log(one: Served, folder: Path) -> None:
    chat = begun(one.pipe)
    whole_turn(one, chat, "a confession", "an absolution")
    log = (folder / "logs" / "sidecar.log").read_text()
    assert "sessions/send" in log
    assert "confession" not in log
    assert "absolution" not in log


def test_without_the_model_on_disk_the_answer_says_so_and_the_question_stays(one: Served) -> None:
    chat = begun(one.pipe)
    answer = ask(one.pipe, chat, "Anybody?")["answer"]
    broken = ended(one.pipe, answer)
    assert (broken["state"], broken["kind"]) == ("interrupted", "model_not_ready")
    assert texts(one.pipe, chat) == ["Anybody?", ""]


def test_an_answer_without_end_is_cut_and_its_chat_stays_readable(one: Served) -> None:
    chat = begun(one.pipe)
    one.provider.will(replies.chat(*["字 " * 150_000] * 5))
    answer = ask(one.pipe, chat, "Well?", one.model)["answer"]

    cut = ended(one.pipe, answer)

    assert (len(text_of(cut)), cut["state"], cut["finishReason"]) == (500_000, "complete", "length")
    assert told(one.pipe, answer) == text_of(cut)
    assert messages(one.pipe, chat)[1] == cut
    more = {"sessionId": chat, "messageId": answer["id"], "model": one.model}
    assert refused(one.pipe, "sessions/continue", more).kind == "invalid_request"
    whole_turn(one, chat, "And?", "Yes.")
    assert texts(one.pipe, chat)[2:] == ["And?", "Yes."]


def long_turn(one: Served, chat: str, characters: int) -> Json:
    """A question of so many Chinese characters that is answered to the end."""
    parts = [text_part("字" * min(1_000_000, characters - begin)) for begin in range(0, characters, 1_000_000)]
    one.provider.will(replies.chat("Yes."))
    asked = one.pipe.request("sessions/send", {"sessionId": chat, "parts": parts, "model": one.model})
    ended(one.pipe, asked["answer"])
    return asked


def test_a_chat_of_long_messages_is_read_in_pages_that_fit_into_a_line(one: Served) -> None:
    chat = begun(one.pipe)
    sizes = [1_500_000, 1_200_000, 3_000_000, 1_900_000, 2_000_000, 2_100_000]
    asked = [long_turn(one, chat, size) for size in sizes]

    pages: list[list[Json]] = []
    more = True
    while more:
        before = pages[-1][0]["id"] if pages else None
        page = one.pipe.request("sessions/messages", {"sessionId": chat, "before": before})
        pages, more = [*pages, page["messages"]], page["more"]

    # One larger than a page is alone.
    first, second, third, fourth, fifth, sixth = ((turn["question"]["id"], turn["answer"]["id"]) for turn in asked)
    expected = [[fifth[1], *sixth], [fourth[1], fifth[0]], [third[1], fourth[0]], [third[0]], [*first, *second]]
    assert [[message["id"] for message in page] for page in pages] == expected
