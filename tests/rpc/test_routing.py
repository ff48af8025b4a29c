"""Who answers, and when the built-in model leaves memory: the real sidecar beside a server on this computer."""

import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engine.pictures import data_url, encoded, image_part, noise, text_part
from tests.pipe import Json, Pipe, RpcError
from tests.provider import Provider, replies
from tests.rpc.asking import MODEL, asking
from tests.rpc.chatting import ask, begun, ended, messages

JOBS = ("vision", "text", "structured_output", "tool_use")
ANSWER = {"type": "object", "properties": {"answer": {"type": "string"}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": ANSWER}}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
PICTURE = [image_part(data_url(encoded(noise((64, 64))))), text_part("What is this?")]


@pytest.fixture
def server() -> Iterator[Provider]:
    with Provider() as provider:
        provider.will(replies.chat("From", " afar"))
        yield provider


@pytest.fixture
def remote(chat: Pipe, server: Provider) -> Iterator[str]:
    """The id of a model that can do everything, on `server`; all jobs are the built-in one's again afterwards."""
    provider = added(chat, server, {"identifier": "far", "capabilities": JOBS})
    yield provider["models"][0]["id"]
    chat.request("providers/delete", {"providerId": provider["id"]})


def added(chat: Pipe, server: Provider, *models: Json) -> Json:
    params = {"name": "Box", "baseUrl": server.url, "models": models}
    provider: Json = chat.request("providers/create", params)["provider"]
    return provider


def assign(chat: Pipe, model: str, *jobs: str) -> None:
    for job in jobs or JOBS:
        chat.request("capabilities/assign", {"capability": job, "modelId": model})


def who(chat: Pipe, content: Any = "Hello", **members: object) -> str:
    """Who answers a person."""
    answered: str = chat.request("chat/completions", asking(content, **members))["model"]
    return answered


def streaming(chat: Pipe, **members: object) -> str | int:
    """A request for the built-in model whose answer has begun to come."""
    running = chat.send("chat/completions", asking("Tell me a lot", model=MODEL, stream=True, **members))
    chat.take(lambda message: message.get("method") == "chat/chunk" and message["params"]["requestId"] == running)
    return running


def unloaded(chat: Pipe) -> Json:
    """The engine's status once the model has left, told by a notification; older ones may wait to be read."""
    while (status := chat.request("engine/status"))["loaded"]:
        chat.take(lambda message: message.get("method") == "engine/status" and not message["params"]["loaded"])
    return status


def refused(chat: Pipe, content: Any = "Hello", **members: object) -> RpcError:
    with pytest.raises(RpcError) as error:
        chat.request("chat/completions", asking(content, **members))
    return error.value


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


def test_a_changed_provider_keeps_what_is_under_way_and_no_connection_of_before(
    chat: Pipe, remote: str, server: Provider
) -> None:
    provider = chat.request("providers/list")["providers"][1]["id"]
    gate = threading.Event()
    server.will(replies.chat("From", " afar", gate=gate), replies.chat("Anew"))
    running = chat.send("chat/completions", asking("Hello", model=remote, stream=True))
    chat.take(lambda message: message.get("method") == "chat/chunk" and message["params"]["requestId"] == running)

    chat.request("providers/update", {"providerId": provider, "concurrency": 2})
    assert who(chat, model=remote) == "far"
    server.wait_until(lambda: server.connections == 2)
    gate.set()

    assert chat.result(running)["choices"][0]["message"]["content"] == "From afar"
    server.wait_until(lambda: server.connections == 1)
    chat.request("providers/update", {"providerId": provider, "concurrency": 3})
    server.wait_until(lambda: server.connections == 0)


def test_when_its_last_job_goes_the_model_leaves_memory_and_the_next_request_brings_it_back(
    chat: Pipe, remote: str
) -> None:
    assert who(chat) == MODEL
    loaded = chat.request("engine/status")
    assert loaded["loaded"]

    assign(chat, remote, "vision", "text", "structured_output")
    assert chat.request("engine/status")["loaded"]
    assign(chat, remote, "tool_use")

    status = unloaded(chat)
    assert status["activeBytes"] < loaded["activeBytes"] / 20
    assert who(chat) == "far"
    assert not chat.request("engine/status")["loaded"]
    assign(chat, MODEL, "text")
    assert who(chat) == MODEL
    assert chat.request("engine/status")["loaded"]


def test_no_title_brings_the_model_back_that_has_no_job_left(chat: Pipe, remote: str, server: Provider) -> None:
    assign(chat, remote)
    unloaded(chat)
    session = begun(chat)

    # The title is asked for after the first answer: by the end of the second its load would be under way.
    for question in ("Hello", "And again"):
        ended(chat, ask(chat, session, question)["answer"])
    status = chat.request("engine/status")

    assert (status["loaded"], status["loading"]) == (False, False)
    assert len(server.bodies) == 2


def test_a_running_answer_is_finished_before_its_model_leaves(chat: Pipe, remote: str) -> None:
    running = streaming(chat, max_tokens=200)

    assign(chat, remote)

    answer = chat.result(running)
    assert answer["usage"]["completion_tokens"] == 200
    unloaded(chat)


@pytest.mark.parametrize("comes_back", ["assigned", "provider removed"])
def test_a_job_that_comes_back_while_an_answer_runs_keeps_the_model_in_memory(
    chat: Pipe, chat_folder: Path, server: Provider, comes_back: str
) -> None:
    provider = added(chat, server, {"identifier": "far", "capabilities": JOBS})
    running, begun_with = streaming(chat, max_tokens=20_000), len(comings_and_goings(chat_folder))
    try:
        assign(chat, provider["models"][0]["id"])
        if comes_back == "assigned":
            assign(chat, MODEL, "text")
    finally:
        chat.request("providers/delete", {"providerId": provider["id"]})

    # It does not wait for the answer before it, and the model with it.
    assert who(chat) == MODEL
    chat.cancel(running)
    with pytest.raises(RpcError, match="-32800"):
        chat.result(running)
    assert who(chat) == MODEL
    assert len(comings_and_goings(chat_folder)) == begun_with


def test_jobs_that_go_away_while_the_model_is_loaded_let_whoever_asked_have_an_answer_first(
    catalog: Path, tmp_path: Path, server: Provider
) -> None:
    with fresh(catalog, tmp_path) as chat:
        model = added(chat, server, {"identifier": "far", "capabilities": JOBS})["models"][0]["id"]
        asked = loading(chat)
        assign(chat, model)

        assert chat.result(asked)["choices"][0]["finish_reason"]
        unloaded(chat)
        assert who(chat) == "far"
        assert told(tmp_path) == ["no job is left", "Model loaded", "Model unloaded"]


def test_jobs_that_go_away_and_come_back_while_the_model_is_loaded_leave_it_loaded(
    catalog: Path, tmp_path: Path, server: Provider
) -> None:
    with fresh(catalog, tmp_path) as chat:
        model = added(chat, server, {"identifier": "far", "capabilities": JOBS})["models"][0]["id"]
        asked = loading(chat)
        assign(chat, model)
        assign(chat, MODEL)

        assert chat.result(asked)["choices"][0]["finish_reason"]
        assert who(chat) == MODEL
        assert told(tmp_path) == ["no job is left", "a job has come back", "Model loaded"]


def test_the_jobs_of_the_built_in_model_are_told_when_it_becomes_ready_damaged_and_deleted(
    catalog: Path, tmp_path: Path
) -> None:
    with fresh(catalog, tmp_path) as chat:
        assert becomes(chat, ready=True) is None
        check, listed = chat.send("models/verify"), chat.send("capabilities/list")
        assert all(row["ready"] for row in chat.result(listed)["capabilities"])  # it answers while it is read
        chat.result(check)
        assert becomes(chat, ready=True) is None
        with next(tmp_path.glob("data/builtin_models/**/snapshots/*/model.safetensors")).open("r+b") as weights:
            weights.write(b"rotted")
        chat.request("models/verify")
        assert becomes(chat, ready=False) == "model_not_ready"
        chat.request("models/download")
        assert becomes(chat, ready=True) is None
        chat.request("models/delete")
        assert becomes(chat, ready=False) == "model_not_ready"


def becomes(chat: Pipe, *, ready: bool) -> str | None:
    """Why the four jobs cannot be done, once it is told that they can or cannot."""

    def tells(message: Json) -> bool:
        rows = message["params"]["capabilities"] if message.get("method") == "capabilities/changed" else []
        return bool(rows) and all(row["ready"] is ready for row in rows)

    (kind,) = {row["kind"] for row in chat.take(tells)["params"]["capabilities"]}
    assert kind is None or isinstance(kind, str)
    return kind


@contextmanager
def fresh(catalog: Path, folder: Path) -> Iterator[Pipe]:
    """A sidecar that has yet to load its model: the first load takes seconds, as MLX is imported with it."""
    with Pipe.sidecar(folder / "data", catalog) as chat:
        chat.initialize()
        chat.request("models/download")
        chat.notification("builtin-model-download-completed")
        yield chat


def loading(chat: Pipe) -> str | int:
    """A request that waits for the model, which is being loaded now."""
    asked = chat.send("chat/completions", asking("Hello"))
    chat.take(lambda message: message.get("method") == "engine/status" and message["params"]["loading"])
    return asked


def told(folder: Path) -> list[str]:
    """What a fresh sidecar has written of its model into the log, in order."""
    log = (folder / "data" / "logs" / "sidecar.log").read_text()
    return re.findall("no job is left|a job has come back|Model loaded|Model unloaded", log)


def test_jobs_that_go_back_and_forth_under_load_lose_nothing_and_the_model_comes_and_goes(
    chat: Pipe, chat_folder: Path, remote: str
) -> None:
    rng = random.Random(4)
    assert who(chat) == MODEL
    before = len(comings_and_goings(chat_folder))
    asked = []
    for number in range(100):
        assign(chat, remote if number % 2 else MODEL)
        if not rng.randrange(4):
            asked.append(chat.send("chat/completions", asking(f"Number {number}", model=MODEL)))
    assign(chat, MODEL)

    for each in asked:
        assert chat.result(each, timeout=60)["choices"][0]["finish_reason"]
    assert who(chat) == MODEL
    events = comings_and_goings(chat_folder)[before:]
    # It left, came back for a request and never otherwise, and there was never one beside another.
    assert events == ["Model unloaded", "Model loaded"] * (len(events) // 2)
    assert 1 <= events.count("Model loaded") <= len(asked) + 1


def comings_and_goings(data_dir: Path) -> list[str]:
    """Each time that the model was loaded into memory or left it, in the order of the log."""
    return re.findall("Model loaded|Model unloaded", (data_dir / "logs" / "sidecar.log").read_text())


def test_a_deleted_model_is_no_hindrance_to_what_others_do(chat: Pipe, remote: str) -> None:
    assign(chat, remote)
    chat.request("models/delete")
    try:
        assert who(chat) == "far"
        assert refused(chat, model=MODEL).kind == "model_not_ready"
    finally:
        chat.request("models/download")
        chat.notification("builtin-model-download-completed")
