"""A request that is cancelled while it writes, as all are when the window is loaded anew: what it began is done to its
end, with what follows from it."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipe import TIMEOUT, Json, Pipe
from tests.provider import Provider, replies
from tests.rpc.chatting import ask, begun, ended, served
from tests.unit.store.conftest import locked

SECRET = "sk-of-nobody-else-1"
PICTURE = b"what was attached"
WORD = b"xylophonist"


def cancelled_mid_write(pipe: Pipe, data_dir: Path, method: str, params: Json) -> None:
    """Cancels a request that waits for the database to be written, which it is a moment later."""
    with locked(data_dir / "knowledge-focus.db"):
        request = pipe.send(method, params)
        pipe.request("ping")  # served after it, so it is under way
        pipe.cancel(request)
        assert pipe.response(request)["error"]["data"]["kind"] == "request_cancelled"  # at once


def until(pipe: Pipe, condition: Callable[[], bool]) -> None:
    """Waits for what nobody is told of."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        pipe.request("ping")


def provider(pipe: Pipe, **members: object) -> Json:
    models = [{"identifier": "m", "capabilities": ["text"]}]
    params = {"name": "Box", "baseUrl": "http://127.0.0.1:9/v1", "models": models} | members
    made: Json = pipe.request("providers/create", params)["provider"]
    assert pipe.notification("providers/changed")
    assert pipe.notification("capabilities/changed")
    return made


def test_a_setting_is_changed_and_that_is_told(sidecar: Pipe, data_dir: Path) -> None:
    cancelled_mid_write(sidecar, data_dir, "settings/set", {"key": "unloadMinutes", "value": 7})

    changed = sidecar.notification("settings/changed")
    assert (changed["key"], changed["value"]) == ("unloadMinutes", 7)
    assert changed in sidecar.request("settings/get")["settings"]


def test_a_job_is_given_away_and_that_is_told(sidecar: Pipe, data_dir: Path) -> None:
    model = provider(sidecar)["models"][0]["id"]

    cancelled_mid_write(sidecar, data_dir, "capabilities/assign", {"capability": "text", "modelId": model})

    told = sidecar.notification("capabilities/changed")
    assert [row["capability"] for row in told["capabilities"] if row["modelId"] == model] == ["text"]


@pytest.mark.parametrize("method", ["providers/create", "providers/update"])
def test_a_provider_is_there_or_changed_and_that_is_told(sidecar: Pipe, data_dir: Path, method: str) -> None:
    there = provider(sidecar)
    params = {"providerId": there["id"]} if method == "providers/update" else {"baseUrl": there["baseUrl"]}

    cancelled_mid_write(sidecar, data_dir, method, {"name": "New", **params})

    told = sidecar.notification("providers/changed")
    assert told["providers"][-1]["name"] == "New"


def test_a_provider_that_is_deleted_leaves_neither_its_connections_nor_its_jobs(sidecar: Pipe, data_dir: Path) -> None:
    with Provider() as server:
        there = provider(sidecar, baseUrl=server.url)
        job = {"capability": "text", "modelId": there["models"][0]["id"]}
        sidecar.request("capabilities/assign", job)
        assert sidecar.notification("capabilities/changed")
        put = {"providerId": there["id"], "origin": server.url.removesuffix("/v1"), "secret": SECRET}
        sidecar.request("secrets/put", put)
        assert sidecar.notification("providers/changed")
        assert sidecar.notification("capabilities/changed")
        server.will(replies.models("m"))
        sidecar.request("providers/models", {"providerId": there["id"]})
        server.wait_until(lambda: server.connections == 1)

        cancelled_mid_write(sidecar, data_dir, "providers/delete", {"providerId": there["id"]})

        assert [row["builtin"] for row in sidecar.notification("providers/changed")["providers"]] == [True]
        assert all(row["builtin"] for row in sidecar.notification("capabilities/changed")["capabilities"])
        server.wait_until(lambda: server.connections == 0)


def test_a_chat_is_begun_or_renamed_and_that_is_told(sidecar: Pipe, data_dir: Path) -> None:
    cancelled_mid_write(sidecar, data_dir, "sessions/create", {})
    chat = sidecar.notification("sessions/changed")["session"]["id"]

    cancelled_mid_write(sidecar, data_dir, "sessions/rename", {"sessionId": chat, "title": "New"})
    assert sidecar.notification("sessions/changed")["session"]["title"] == "New"


def test_a_chat_that_is_deleted_leaves_neither_its_picture_nor_its_words(sidecar: Pipe, data_dir: Path) -> None:
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    picture = data_dir / "attachments" / f"{sha256}.png"
    log = data_dir / "knowledge-focus.db-wal"
    with Provider() as server:
        server.will(replies.chat("Yes."))
        model = served(sidecar, server).model
        chat = begun(sidecar)
        picture.write_bytes(PICTURE)
        ended(sidecar, ask(sidecar, chat, WORD.decode(), model, sha256)["answer"])
        assert WORD in log.read_bytes()

        cancelled_mid_write(sidecar, data_dir, "sessions/delete", {"sessionId": chat})

        until(sidecar, lambda: not picture.exists() and WORD not in log.read_bytes())
        assert sidecar.request("sessions/list")["sessions"] == []
