"""`store/status`, and a database that is damaged, newer or locked when the sidecar starts: through the real pipe."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.namespaces import READ_ONLY, needs_namespaces, small_disk
from tests.pipe import ROOT, Json, Pipe, RpcError
from tests.provider import Provider, replies
from tests.rpc.chatting import ask, begun, ended, messages, next_delta, served, texts
from tests.unit.store.conftest import damage, locked

BUDGET = 2_000_000_000
LONG = "x" * 300_000
SMALL_DISK = small_disk(4 * 2**20)
ON_A_FULL_DISK = """
import sys
from pathlib import Path
from tests.rpc.test_store import read_on_a_full_disk
read_on_a_full_disk(Path(sys.argv[1]), sys.argv[2] == "killed")
"""


def recovery(pipe: Pipe) -> Json | None:
    told: Json | None = pipe.request("store/status")["recovery"]
    return told


def unload_minutes(pipe: Pipe) -> int:
    settings = {setting["key"]: setting["value"] for setting in pipe.request("settings/get")["settings"]}
    return int(settings["unloadMinutes"])


def copies_that_can_be_cleared(pipe: Pipe) -> int:
    rows = {row["kind"]: row for row in pipe.request("storage/usage")["holdings"]}
    return int(rows["copies"]["clearableBytes"])


def lived_in(data_dir: Path) -> Path:
    """The file of a database that was used in two runs, and whose only copy is from between them."""
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        pipe.request("settings/set", {"key": "unloadMinutes", "value": 5})
    for copy in (data_dir / "copies").iterdir():  # of the database while it was empty
        copy.unlink()
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        assert recovery(pipe) is None
        pipe.request("settings/set", {"key": "unloadMinutes", "value": 7})
    return data_dir / "knowledge-focus.db"


def test_a_damaged_database_is_told_until_the_person_dismisses_it(data_dir: Path) -> None:
    database = lived_in(data_dir)
    damage(database)
    damaged = database.read_bytes()

    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        told = recovery(pipe)
        assert told is not None
        assert Path(told["setAside"]).read_bytes() == damaged
        assert 0 < told["copiedAt"] < told["recoveredAt"]
        assert unload_minutes(pipe) == 5  # as the copy has it
        pipe.process.kill()
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        assert recovery(pipe) == told
        Path(told["setAside"]).unlink()
        assert recovery(pipe) == told | {"setAside": None}
        assert pipe.request("store/dismissRecovery") == {"recovery": None}
        assert pipe.notification("store/status") == {"recovery": None}
        pipe.process.kill()
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        assert recovery(pipe) is None
        assert unload_minutes(pipe) == 5


def test_without_a_copy_a_new_database_is_begun_and_that_is_told(data_dir: Path) -> None:
    database = lived_in(data_dir)
    for copy in (data_dir / "copies").iterdir():
        copy.unlink()
    damage(database)

    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        told = recovery(pipe)
        assert told is not None
        assert told["copiedAt"] is None
        assert unload_minutes(pipe) == 30


def test_pictures_of_messages_that_were_set_aside_stay_until_the_person_knows(data_dir: Path) -> None:
    database = lived_in(data_dir)
    for copy in (data_dir / "copies").iterdir():
        copy.unlink()
    damage(database)
    picture = data_dir / "attachments" / ("a" * 64)
    picture.parent.mkdir(exist_ok=True)
    picture.write_bytes(b"of a message that is in the damaged file")
    os.utime(picture, (0, 0))

    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        assert pipe.request("sessions/list")["sessions"] == []
        assert pipe.request("storage/clear", {"kind": "attachments"})["freedBytes"] == 0
        assert picture.exists()
        told = recovery(pipe)
        assert told is not None
        room = copies_that_can_be_cleared(pipe)
        pipe.request("storage/clear", {"kind": "copies"})
        assert recovery(pipe) == told
        assert Path(told["setAside"]).exists()
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        assert recovery(pipe) == told
        pipe.request("store/dismissRecovery")
        assert copies_that_can_be_cleared(pipe) > room
        pipe.request("storage/clear", {"kind": "copies"})
        assert not Path(told["setAside"]).exists()
        assert pipe.request("storage/clear", {"kind": "attachments"})["freedBytes"] > 0
        assert not picture.exists()


@pytest.mark.parametrize("rotten", [b"\xff", b"x"])
def test_a_chat_in_which_a_byte_rotted_is_read_found_renamed_and_deleted(data_dir: Path, rotten: bytes) -> None:
    with Pipe.sidecar(data_dir) as pipe, Provider() as provider:
        pipe.initialize()
        model = served(pipe, provider).model
        chats = [begun(pipe), begun(pipe)]
        for chat in chats:
            provider.will(replies.chat("An ocelot."))
            ended(pipe, ask(pipe, chat, "Who prowls?", model)["answer"])
            pipe.request("sessions/rename", {"sessionId": chat, "title": "Unheard of"})
    database = data_dir / "knowledge-focus.db"
    content = database.read_bytes()
    for good in (b"Unheard of", b"An ocelot."):
        assert content.count(good) == 2
        content = content.replace(good, good.replace(b"e", rotten))
    database.write_bytes(content)

    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        assert recovery(pipe) is None
        shown = rotten.decode(errors="replace")
        listed = pipe.request("sessions/list")["sessions"]
        assert [session["title"] for session in listed] == [f"Unh{shown}ard of"] * 2
        assert texts(pipe, chats[0]) == ["Who prowls?", f"An oc{shown}lot."]
        for words in ("prowls", "an", "of"):
            assert len(pipe.request("sessions/list", {"search": words})["sessions"]) == 2
        pipe.request("sessions/rename", {"sessionId": chats[0], "title": "Heard of"})
        assert pipe.request("sessions/list", {"search": "heard"})["sessions"][0]["title"] == "Heard of"
        for chat in chats:
            pipe.request("sessions/delete", {"sessionId": chat})
        for words in ("prowls", "unheard", "ocelot"):
            assert pipe.request("sessions/list", {"search": words})["sessions"] == []


def test_a_message_that_cannot_be_read_any_more_is_told_and_its_chat_goes_on(data_dir: Path) -> None:
    with Pipe.sidecar(data_dir) as pipe, Provider() as provider:
        pipe.initialize()
        model = served(pipe, provider).model
        chat = begun(pipe)
        for question, answer in (("Who prowls?", "An ocelot."), ("Who grazes?", "A zebra.")):
            provider.will(replies.chat(answer))
            asked = ask(pipe, chat, question, model)
            ended(pipe, asked["answer"])
    database = data_dir / "knowledge-focus.db"
    content = database.read_bytes()
    for good, rotten in ((b'"text": "Who prowls', b'"text": xWho prowls'), (b'"text": "A zebra', b'"texu": "A zebra')):
        assert content.count(good) == 1
        content = content.replace(good, rotten)
    database.write_bytes(content)

    with Pipe.sidecar(data_dir) as pipe, Provider() as provider:
        pipe.initialize()
        model = served(pipe, provider, "another").model
        assert recovery(pipe) is None
        kept = messages(pipe, chat)
        assert [bool(message["parts"]) for message in kept] == [False, True, True, False]
        agreed = {"sessionId": chat, "model": model, "accept": ["deletes_rest"]}
        with pytest.raises(RpcError) as failed:
            pipe.request("sessions/regenerate", agreed | {"messageId": kept[1]["id"]})
        assert failed.value.kind == "invalid_request"
        provider.will(replies.chat("A hippo."))
        ended(pipe, ask(pipe, chat, "Who swims?", model)["answer"])
        read = [message["content"] for message in provider.bodies[-1]["messages"]]
        assert read == ["Who grazes?", "Who swims?"]
        edit = agreed | {"messageId": kept[0]["id"]}
        provider.will(replies.chat("A caracal."))
        ended(pipe, pipe.request("sessions/edit", edit | {"parts": [{"type": "text", "text": "Who leaps?"}]})["answer"])
        assert texts(pipe, chat) == ["Who leaps?", "A caracal."]


@pytest.mark.parametrize("rotten", [b"http;//127.0.0.1:", b"http://[27.0.0.1:", b"http://127.0.\xff.1:"])
def test_a_provider_whose_address_rotted_is_told_and_can_be_given_it_again(data_dir: Path, rotten: bytes) -> None:
    with Pipe.sidecar(data_dir) as pipe, Provider() as provider:
        pipe.initialize()
        served(pipe, provider)
    database = data_dir / "knowledge-focus.db"
    content, good = database.read_bytes(), provider.url.encode()
    assert content.count(good) == 1
    database.write_bytes(content.replace(good, good.replace(b"http://127.0.0.1:", rotten)))

    with Pipe.sidecar(data_dir) as pipe, Provider() as provider:
        pipe.initialize()
        row = pipe.request("providers/list")["providers"][1]
        assert row["baseUrl"].startswith(rotten.decode(errors="replace"))
        with pytest.raises(RpcError) as failed:
            pipe.request("providers/models", {"providerId": row["id"]})
        assert failed.value.kind in ("provider_rejected", "provider_unreachable")
        pipe.request("providers/update", {"providerId": row["id"], "baseUrl": provider.url})
        chat = begun(pipe)
        provider.will(replies.chat("An ocelot."))
        ended(pipe, ask(pipe, chat, "Who prowls?", row["models"][0]["id"])["answer"])
        assert texts(pipe, chat) == ["Who prowls?", "An ocelot."]


def test_a_newer_database_ends_the_process_with_a_code_of_its_own_and_stays_as_it_is(data_dir: Path) -> None:
    database = lived_in(data_dir)
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = database.read_bytes()

    with Pipe.sidecar(data_dir) as pipe:
        assert pipe.exit_code() == 65
        pipe.wait_for_end()
        assert "version 99" in pipe.stderr
    assert database.read_bytes() == before


def test_a_database_that_is_locked_at_the_start_counts_once_it_opens(data_dir: Path, catalog: Path) -> None:
    with Pipe.sidecar(data_dir, catalog) as pipe:
        pipe.initialize()
        pipe.request("models/download")
        pipe.notification("builtin-model-download-completed")
        pipe.request("settings/set", {"key": "memoryBudgetBytes", "value": BUDGET})
    with ExitStack() as stack:
        with locked(data_dir / "knowledge-focus.db"):
            pipe = stack.enter_context(Pipe.sidecar(data_dir, catalog))
            pipe.initialize()
            with pytest.raises(RpcError) as failed:
                pipe.request("store/status")
            assert failed.value.kind == "store_failed"
        # The first to need the database opens it; by then the engine has what the person chose.
        pipe.request("chat/completions", {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1})
        assert pipe.request("engine/status")["budgetBytes"] == BUDGET
        assert recovery(pipe) is None


@needs_namespaces
def test_a_database_that_cannot_be_written_is_told_and_is_whole_once_it_can(data_dir: Path) -> None:
    database = lived_in(data_dir)
    before = database.read_bytes()
    command = [*READ_ONLY, str(database), sys.executable, "-m", "sidecar", "--data-dir", str(data_dir)]

    with Pipe(command) as pipe:
        pipe.initialize()
        for method, params in (
            ("store/status", {}),
            ("settings/get", {}),
            ("settings/set", {"key": "unloadMinutes", "value": 9}),
            ("sessions/create", {}),
        ):
            with pytest.raises(RpcError) as failed:
                pipe.request(method, params)
            assert failed.value.kind == "store_failed"
    assert database.read_bytes() == before
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        assert recovery(pipe) is None
        assert unload_minutes(pipe) == 7


@needs_namespaces
def test_where_no_copy_can_be_made_the_database_is_used_all_the_same(data_dir: Path) -> None:
    lived_in(data_dir)
    for copy in (data_dir / "copies").iterdir():
        copy.unlink()
    copies = str(data_dir / "copies")
    with Pipe([*READ_ONLY, copies, sys.executable, "-m", "sidecar", "--data-dir", str(data_dir)]) as pipe:
        pipe.initialize()
        assert unload_minutes(pipe) == 7
        pipe.request("settings/set", {"key": "unloadMinutes", "value": 9})
        assert not list((data_dir / "copies").iterdir())
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        assert unload_minutes(pipe) == 9
        assert len(list((data_dir / "copies").iterdir())) == 1


@needs_namespaces
def test_a_disk_that_fills_is_told_and_loses_nothing_that_was_written(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700)
    command = [*SMALL_DISK, str(data_dir), sys.executable, "-m", "sidecar", "--data-dir", str(data_dir)]
    with Pipe(command) as pipe, Provider() as provider:
        pipe.initialize()
        model = served(pipe, provider).model
        chat = begun(pipe)
        asked = 0

        def fill() -> None:
            nonlocal asked
            while asked < 20:
                provider.will(replies.chat("Yes."))
                ended(pipe, ask(pipe, chat, LONG, model)["answer"])
                asked += 1

        with pytest.raises(RpcError) as failed:
            fill()
        assert failed.value.kind == "disk_full"
        assert asked >= 2
        kept = texts(pipe, chat)
        assert kept[::2] == [LONG] * asked
        assert kept[1:-1:2] == ["Yes."] * (asked - 1)  # the end of the last one may be what did not fit
        assert recovery(pipe) is None


@needs_namespaces
@pytest.mark.parametrize("left", ["killed", "in order"])
def test_on_a_full_disk_chats_are_read_and_searched_after_a_start(left: str, data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700)
    command = [*SMALL_DISK, str(data_dir), sys.executable, "-c", ON_A_FULL_DISK, str(data_dir), left]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)


def read_on_a_full_disk(data_dir: Path, killed: bool) -> None:
    """Within the mount, which is gone with this process."""
    gate = threading.Event()
    with Pipe.sidecar(data_dir) as pipe, Provider() as provider:
        pipe.initialize()
        model = served(pipe, provider).model
        chat = begun(pipe)
        provider.will(replies.chat("An", " ocelot.", gate=gate))
        answer = ask(pipe, chat, "Who prowls?", model)["answer"]
        next_delta(pipe, answer)
        if killed:
            pipe.process.kill()
            pipe.process.wait(timeout=10)
        gate.set()
        if not killed:
            ended(pipe, answer)
    filler = data_dir / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 512)

    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        assert unload_minutes(pipe) == 30
        question, kept = messages(pipe, chat)
        assert question["parts"] == [{"type": "text", "text": "Who prowls?"}]
        assert kept["state"] == ("interrupted" if killed else "complete")
        assert len(pipe.request("sessions/list", {"search": "prowls"})["sessions"]) == 1
        with pytest.raises(RpcError) as failed:
            pipe.request("sessions/create")
        assert failed.value.kind == "disk_full"
        assert recovery(pipe) is None
    filler.unlink()
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        kept = messages(pipe, chat)[-1]
        assert kept["kind"] == ("sidecar_restarted" if killed else None)
        pipe.request("sessions/create")
