"""When the built-in model leaves memory, and when it stays: the real sidecar beside a server on this computer."""

import json
import random
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.hub import Hub, write_catalog
from tests.pipe import Json, Pipe, RpcError
from tests.provider import Provider
from tests.rpc.asking import MODEL, REPOSITORY, asking
from tests.rpc.chatting import ask, begun, ended
from tests.rpc.conftest import random_model
from tests.rpc.jobs import JOBS, added, assign, who
from tests.unit.store.conftest import locked


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
    return events("no job is left|a job has come back|Model loaded|Model unloaded", folder / "data")


def events(pattern: str, data_dir: Path) -> list[str]:
    """What of the log's events matches, in order."""
    lines = (data_dir / "logs" / "sidecar.log").read_text().splitlines()
    return [found for line in lines for found in re.findall(pattern, json.loads(line).get("event", ""))]


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


def test_the_model_leaves_memory_also_when_whoever_gave_its_last_job_away_did_not_wait_for_that(
    chat: Pipe, remote: str, chat_folder: Path
) -> None:
    assert who(chat) == MODEL
    assign(chat, remote, "vision", "text", "structured_output")

    with locked(chat_folder / "knowledge-focus.db"):
        request = chat.send("capabilities/assign", {"capability": "tool_use", "modelId": remote})
        chat.request("ping")  # served after it, so it is under way
        chat.cancel(request)
        assert chat.response(request)["error"]["data"]["kind"] == "request_cancelled"

    unloaded(chat)
    assert who(chat) == "far"


@pytest.mark.skipif(sys.platform != "linux", reason="what Metal holds is not resident memory")
def test_what_a_model_took_is_back_with_the_system(tmp_path: Path, server: Provider) -> None:
    folder = random_model(tmp_path / "model", hidden_size=1024, intermediate_size=8192)
    with Hub({REPOSITORY: folder}) as hub:
        catalog = write_catalog(tmp_path / "catalog.json", hub.url, folder)
        with fresh(catalog, tmp_path) as chat:
            process = psutil.Process(chat.process.pid)
            far = added(chat, server, {"identifier": "far", "capabilities": JOBS})["models"][0]["id"]
            assert who(chat) == MODEL
            loaded, resident = chat.request("engine/status")["activeBytes"], process.memory_info().rss
            assert resident > loaded > 200_000_000

            assign(chat, far)

            unloaded(chat)
            assert process.memory_info().rss < resident - 0.9 * loaded


def test_a_model_that_a_request_named_leaves_again_with_the_next_change_of_jobs(chat: Pipe, remote: str) -> None:
    assign(chat, remote)
    unloaded(chat)
    assert who(chat, model=MODEL) == MODEL
    assert chat.request("engine/status")["loaded"]

    assign(chat, remote, "text")

    unloaded(chat)


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
    return events("Model loaded|Model unloaded", data_dir)


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
