"""Who answers: the real sidecar beside a server on this computer."""

import threading
from typing import Any

import pytest

from tests.engine.pictures import data_url, encoded, image_part, noise, text_part
from tests.pipe import Json, Pipe, RpcError
from tests.provider import Provider, replies
from tests.rpc.asking import MODEL, asking
from tests.rpc.chatting import ask, begun, ended, messages
from tests.rpc.jobs import JOBS, added, assign, refused, who

ANSWER = {"type": "object", "properties": {"answer": {"type": "string"}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": ANSWER}}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
PICTURE = [image_part(data_url(encoded(noise((64, 64))))), text_part("What is this?")]


@pytest.mark.parametrize(
    ("job", "content", "members"),
    [
        ("text", "Hello", {}),
        ("vision", PICTURE, {}),
        ("structured_output", "Hello", {"response_format": SCHEMA}),
        ("tool_use", "Hello", {"tools": [TOOL]}),
    ],
)
def test_a_request_goes_to_the_model_that_has_its_job(
    chat: Pipe, remote: str, server: Provider, job: str, content: Any, members: Json
) -> None:
    assert who(chat, content, **members) == MODEL
    assert not server.bodies

    assign(chat, remote, job)

    assert who(chat, content, **members) == "far"
    assert who(chat, content, model="auto", **members) == "far"
    assert len(server.bodies) == 2
    # With what makes it that job, as it was asked.
    for body in server.bodies:
        assert body.get("tools") == members.get("tools")
        format_ = body.get("response_format", {}).get("json_schema", {})
        assert format_.get("schema") == (ANSWER if "response_format" in members else None)


def test_a_named_model_is_obeyed_whoever_has_the_job(chat: Pipe, remote: str, server: Provider) -> None:
    assert who(chat, model="far") == who(chat, model=remote) == "far"
    assign(chat, remote)
    assert who(chat, model=MODEL) == MODEL

    error = refused(chat, model="nobody")
    assert error.kind == "model_not_found"
    assert set(error.data["details"]["known"]) == {MODEL, remote}


def test_a_name_that_two_providers_have_is_refused_with_the_ids_that_tell_them_apart(
    chat: Pipe, remote: str, server: Provider
) -> None:
    other = added(chat, server, {"identifier": "far", "capabilities": JOBS})
    ids = [remote, other["models"][0]["id"]]
    try:
        error = refused(chat, model="far")
        assert not server.bodies
        assert [who(chat, model=each) for each in ids] == ["far", "far"]
    finally:
        chat.request("providers/delete", {"providerId": other["id"]})

    assert error.kind == "invalid_request"
    assert error.data["details"] == {"member": "model", "ids": ids}
    assert all(each in str(error) for each in ids)


def test_what_a_model_is_known_to_lack_is_not_even_sent(chat: Pipe, server: Provider) -> None:
    blind = added(chat, server, {"identifier": "blind", "capabilities": ["text"], "lacking": ["vision"]})
    try:
        error = refused(chat, PICTURE, model="blind")
    finally:
        chat.request("providers/delete", {"providerId": blind["id"]})

    assert error.kind == "capability_missing"
    assert not server.bodies


def test_a_job_whose_model_turns_out_to_lack_it_is_done_by_nobody(chat: Pipe, remote: str, server: Provider) -> None:
    assign(chat, remote, "vision")
    provider = chat.request("providers/list")["providers"][1]["id"]
    models = [{"identifier": "far", "capabilities": ["text"], "lacking": ["vision"]}]
    chat.request("providers/update", {"providerId": provider, "models": models})

    error = refused(chat, PICTURE)

    assert error.kind == "capability_missing"
    assert error.data["details"] == {"capability": "vision", "model": "far"}
    assert not server.bodies


def test_several_jobs_at_once_need_one_model_that_does_them_all(chat: Pipe, server: Provider) -> None:
    provider = added(
        chat,
        server,
        {"identifier": "eyes", "capabilities": ["vision"]},
        {"identifier": "hands", "capabilities": ["tool_use"]},
    )
    eyes, hands = (model["id"] for model in provider["models"])
    try:
        assign(chat, eyes, "vision")
        # The built-in model, which has the other job, can do both.
        assert who(chat, PICTURE, tools=[TOOL]) == MODEL
        assign(chat, hands, "tool_use")
        error = refused(chat, PICTURE, tools=[TOOL])
    finally:
        chat.request("providers/delete", {"providerId": provider["id"]})

    assert error.kind == "capability_conflict"
    assert error.data["details"] == {"capabilities": ["vision", "tool_use"], "models": ["eyes", "hands"]}
    assert not server.bodies


def test_background_work_stays_here_until_it_is_allowed_to_go(chat: Pipe, server: Provider) -> None:
    provider = added(chat, server, {"identifier": "far", "capabilities": JOBS})
    try:
        assign(chat, provider["models"][0]["id"], "text")
        assert who(chat) == "far"
        assert who(chat, priority=10) == MODEL
        assert who(chat, model="far") == "far"
        error = refused(chat, model="far", priority=10)
        assert error.kind == "consent_needed"
        assert error.data["details"] == {"needs": ["background"], "host": "127.0.0.1", "provider": "Box"}
        assert len(server.bodies) == 2

        chat.request("providers/update", {"providerId": provider["id"], "background": True})

        assert who(chat, priority=10) == who(chat, model="far", priority=10) == "far"
    finally:
        chat.request("providers/delete", {"providerId": provider["id"]})


def test_a_named_model_of_another_computer_is_asked_only_once_a_person_agreed_that_something_goes_there(
    chat: Pipe, server: Provider
) -> None:
    models = [{"identifier": "one"}, {"identifier": "other"}]
    params = {"name": "Ray", "baseUrl": server.far_url, "models": models, "accept": ["plain_http"]}
    provider = chat.request("providers/create", params)["provider"]
    first, second = (model["id"] for model in provider["models"])
    session = begun(chat)
    sent = {"sessionId": session, "parts": [text_part("Hello")], "model": second}
    try:
        error = refused(chat, model=second)
        with pytest.raises(RpcError) as in_a_chat:
            chat.request("sessions/send", sent)
        assert error.kind == in_a_chat.value.kind == "consent_needed"
        assert error.data["details"] == {"needs": ["leaves_computer"], "host": "0.0.0.0", "provider": "Ray"}
        assert messages(chat, session) == server.bodies == []

        # Who agreed for one of its models agreed to where it is; and who takes the job back takes that back, too.
        far = {"capability": "text", "modelId": first, "accept": ["leaves_computer"]}
        chat.request("capabilities/assign", far)
        assert who(chat, model=second) == "other"
        assign(chat, MODEL, "text")
        assert refused(chat, model=second).kind == "consent_needed"
        assert len(server.bodies) == 1

        allow = {"providerId": provider["id"], "background": True, "accept": ["background_leaves"]}
        chat.request("providers/update", allow)
        assert who(chat, model=second) == "other"
    finally:
        chat.request("providers/delete", {"providerId": provider["id"]})


def test_what_fails_there_is_told_and_sent_nowhere_else(chat: Pipe, remote: str, server: Provider) -> None:
    assign(chat, remote, "text")
    server.will(replies.status(401, "no such key"))

    error = refused(chat)
    rows = {row["capability"]: row for row in chat.request("capabilities/list")["capabilities"]}

    assert error.kind == "provider_denied"
    assert error.data["details"]["said"] == "no such key"
    assert (rows["text"]["ready"], rows["text"]["kind"]) == (False, "provider_denied")
    server.will(replies.chat("Back"))
    assert who(chat) == "far"
    assert chat.request("capabilities/list")["capabilities"][1]["ready"]


def readiness(chat: Pipe, *jobs: str) -> list[str | None]:
    """Why each of these jobs cannot be done now; None: it can."""
    rows = {row["capability"]: row for row in chat.request("capabilities/list")["capabilities"]}
    assert all(row["ready"] is (row["kind"] is None) for row in rows.values())
    return [rows[job]["kind"] for job in jobs]


def test_an_answer_in_a_chat_shows_that_what_failed_before_works_again(
    chat: Pipe, remote: str, server: Provider
) -> None:
    assign(chat, remote, "text")
    session = begun(chat)
    server.will(replies.status(401, "no such key"))
    assert ended(chat, ask(chat, session, "Hello")["answer"])["kind"] == "provider_denied"
    assert readiness(chat, "text") == ["provider_denied"]
    server.will(replies.chat("Back"))

    assert ended(chat, ask(chat, session, "And now?")["answer"])["state"] == "complete"

    assert readiness(chat, "text") == [None]


def test_one_model_of_a_provider_may_fail_and_another_answer(chat: Pipe, server: Provider) -> None:
    provider = added(
        chat,
        server,
        {"identifier": "good", "capabilities": ["text"]},
        {"identifier": "gone", "capabilities": ["vision"]},
    )
    good, gone = (model["id"] for model in provider["models"])
    try:
        assign(chat, good, "text")
        assign(chat, gone, "vision")
        server.will(replies.status(404, "no model is called gone"))
        assert refused(chat, PICTURE).kind == "provider_rejected"
        assert readiness(chat, "text", "vision") == [None, "provider_rejected"]
        server.will(replies.chat("Here"))
        assert who(chat) == "good"
        assert readiness(chat, "text", "vision") == [None, "provider_rejected"]

        # Whichever of its abilities works: it answers again.
        server.will(replies.models("good"), replies.status(404), replies.chat("red"), replies.status(400))
        chat.request("providers/test", {"providerId": provider["id"], "identifier": "gone"})
        assert readiness(chat, "text", "vision") == [None, None]
    finally:
        chat.request("providers/delete", {"providerId": provider["id"]})


@pytest.mark.parametrize(
    "reply",
    [
        replies.status(400, "temperature must be below 1"),
        replies.status(413),
        replies.status(422, "maximum context length is 10 tokens"),
        replies.chat("I", reason="content_filter"),
    ],
)
def test_a_request_that_no_model_would_take_tells_nothing_of_the_next_one(
    chat: Pipe, remote: str, server: Provider, reply: replies.Reply
) -> None:
    assign(chat, remote, "text")
    server.will(reply)

    assert refused(chat).kind == "provider_rejected"

    assert readiness(chat, "text") == [None]


def test_a_changed_provider_keeps_what_is_under_way_and_no_connection_of_before(
    chat: Pipe, remote: str, server: Provider
) -> None:
    provider = chat.request("providers/list")["providers"][1]["id"]
    gate = threading.Event()
    server.will(replies.chat("From", " afar", gate=gate), replies.chat("Anew"))
    running = chat.send("chat/completions", asking("Hello", model=remote, stream=True))
    chat.take(lambda message: message.get("method") == "chat/chunk" and message["params"]["requestId"] == running)

    chat.request("providers/update", {"providerId": provider, "name": "Chest"})
    assert who(chat, model=remote) == "far"
    server.wait_until(lambda: server.connections == 2)
    gate.set()

    assert chat.result(running)["choices"][0]["message"]["content"] == "From afar"
    server.wait_until(lambda: server.connections == 1)
    chat.request("providers/update", {"providerId": provider, "name": "Box"})
    server.wait_until(lambda: server.connections == 0)


def test_a_deleted_model_is_no_hindrance_to_what_others_do(chat: Pipe, remote: str) -> None:
    assign(chat, remote)
    chat.request("models/delete")
    try:
        assert who(chat) == "far"
        assert refused(chat, model=MODEL).kind == "model_not_ready"
    finally:
        chat.request("models/download")
        chat.notification("builtin-model-download-completed")
