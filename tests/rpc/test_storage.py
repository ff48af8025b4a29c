"""`storage/…` through the pipe: what is in the data folder, and clearing what can be spared."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import Hub, write_catalog
from tests.pipe import Json, Pipe, RpcError
from tests.provider import Provider, replies
from tests.rpc.asking import REPOSITORY
from tests.rpc.chatting import Served, ask, begun, ended, served

DAY_SECONDS = 24 * 3600
SECRET = "xylophonist"
"""A word that is nowhere but in one chat."""


@pytest.fixture
def one(data_dir: Path) -> Iterator[Served]:
    with Provider() as provider, Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        yield served(pipe, provider)


def usage(pipe: Pipe) -> dict[str, Json]:
    """Each kind's row."""
    rows: list[Json] = pipe.request("storage/usage")["holdings"]
    kinds = [row["kind"] for row in rows]
    assert len(kinds) == len(set(kinds))
    return {row["kind"]: row for row in rows}


def clear(pipe: Pipe, kind: str) -> int:
    """Bytes that were freed."""
    freed: int = pipe.request("storage/clear", {"kind": kind})["freedBytes"]
    return freed


def walked(folder: Path) -> int:
    """Bytes on the disk of all that is no folder, by another way than the sidecar's."""
    files = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        if path.is_symlink() or not path.is_dir():
            files[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(files.values())


def write(path: Path, size: int = 100_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(os.urandom(size))
        os.fsync(file.fileno())
    return path


def attached(data_dir: Path, age_seconds: float) -> str:
    """A file among the attachments, as old as that."""
    path = write(data_dir / "attachments" / "new.png")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    path = path.rename(path.with_name(f"{sha256}.png"))
    os.utime(path, (time.time() - age_seconds,) * 2)
    return sha256


def test_every_byte_of_the_data_folder_counts_for_one_kind(sidecar: Pipe, data_dir: Path) -> None:
    written = {
        "model": "builtin_models/models--a--b/blobs/0",
        "partial": "builtin_models/models--c--d/parts/0.part",
        "environment": "python/lib/a.py",
        "kernels": "cache/kernels/a.ptx",
        "copies": "copies/damaged-1.db",
        "attachments": "attachments/a.png",
        "web": "web/localstorage/a",
        "other": "thesis.odt",
    }
    for path in (*written.values(), "cache/uv/archive", "cache/unknown", "logs/shell.log"):
        write(data_dir / path)
    (data_dir / "builtin_models/models--a--b/verified").mkdir()
    (data_dir / "builtin_models/models--a--b/verified/0.json").write_text("{}")
    (data_dir / "python/lib/twin.py").hardlink_to(data_dir / "python/lib/a.py")
    (data_dir / "python/lib/link").symlink_to("/usr")

    rows = usage(sidecar)
    # The log grows in between, until it does not.
    while sum(row["bytes"] for row in rows.values()) != walked(data_dir):
        rows = usage(sidecar)

    assert {kind for kind in written if rows[kind]["bytes"] < 100_000} == set()
    assert rows["environment"]["bytes"] < 300_000
    assert rows["database"]["bytes"] > 0
    assert rows["logs"]["bytes"] > 100_000
    assert rows["partial"]["places"] == [str(data_dir / "builtin_models/models--c--d")]
    assert rows["environment"]["places"] == [str(data_dir / "python"), str(data_dir / "cache/uv")]
    assert {kind for kind, row in rows.items() if row["clearableBytes"] is not None} == {
        *("partial", "kernels", "copies", "attachments", "logs")
    }


@pytest.mark.parametrize("kind", ["model", "database", "environment", "web", "other", "everything"])
def test_what_cannot_be_spared_is_not_cleared(sidecar: Pipe, kind: str) -> None:
    with pytest.raises(RpcError) as refused:
        sidecar.request("storage/clear", {"kind": kind})
    assert refused.value.kind == "invalid_params"


def test_kernels_go_and_their_folder_stays(sidecar: Pipe, data_dir: Path, tmp_path: Path) -> None:
    elsewhere = write(tmp_path / "elsewhere" / "precious")
    write(data_dir / "cache/kernels/a/b.ptx")
    (data_dir / "cache/kernels/link").symlink_to(elsewhere.parent)
    assert clear(sidecar, "kernels") >= 100_000
    assert list((data_dir / "cache/kernels").iterdir()) == []
    assert elsewhere.exists()
    assert clear(sidecar, "kernels") == 0


def test_logs_are_emptied_and_go_on(sidecar: Pipe, data_dir: Path) -> None:
    for name in ("shell.log", "shell.log.1", "sidecar-stderr.log"):
        write(data_dir / "logs" / name)
    (data_dir / "logs" / "mine.log").symlink_to(write(data_dir / "elsewhere" / "precious"))
    write(data_dir / "logs" / "a folder.log" / "notes.txt")
    assert clear(sidecar, "logs") >= 300_000
    assert (data_dir / "logs/a folder.log/notes.txt").exists()
    assert (data_dir / "elsewhere/precious").stat().st_size == 100_000
    assert not (data_dir / "logs/shell.log.1").exists()
    assert (data_dir / "logs/shell.log").stat().st_size == 0
    assert "100000" not in (data_dir / "logs/sidecar.log").read_text()
    sidecar.request("storage/usage")
    assert "storage/usage" in (data_dir / "logs/sidecar.log").read_text()


def test_an_unfinished_download_is_cleared_once_it_does_not_run(tmp_path: Path, data_dir: Path) -> None:
    repository = tmp_path / "repository"
    write(repository / "model.safetensors", 4_000_000)
    (repository / "config.json").write_text("{}")
    with Hub({REPOSITORY: repository}, rate=500_000) as hub:
        catalog = write_catalog(tmp_path / "catalog.json", hub.url, repository)
        with Pipe.sidecar(data_dir, catalog) as pipe:
            pipe.initialize()
            pipe.request("models/download")
            while usage(pipe)["partial"]["bytes"] < 100_000:
                pipe.notification("builtin-model-download-progress")
            with pytest.raises(RpcError) as refused:
                clear(pipe, "partial")
            assert (refused.value.kind, refused.value.data["details"]["reason"]) == ("model_in_use", "downloading")

            assert pipe.request("models/cancelDownload")["state"] == "partial"
            assert clear(pipe, "partial") >= 100_000
            assert pipe.request("models/status")["state"] == "absent"
            hub.rate = None
            pipe.request("models/download")
            pipe.notification("builtin-model-download-completed")
            rows = usage(pipe)
            assert rows["partial"]["bytes"] == 0
            assert rows["model"]["bytes"] >= 4_000_000
            clear(pipe, "partial")
            assert pipe.request("models/status")["state"] == "ready"


def test_only_pictures_that_nobody_shows_or_is_about_to_send_are_cleared(one: Served, data_dir: Path) -> None:
    begun(one.pipe)  # what a crash left is swept by now
    shown, left, recent = (attached(data_dir, age) for age in (2 * DAY_SECONDS, 2 * DAY_SECONDS, 60))
    part = write(data_dir / "attachments" / ".part-a1b2")
    os.utime(part, (0, 0))
    write(data_dir / "attachments" / "holiday.png")
    one.provider.will(replies.chat("Yes."))
    parts = [{"type": "image", "attachment": shown}]
    sent = one.pipe.request("sessions/send", {"sessionId": begun(one.pipe), "parts": parts, "model": one.model})
    ended(one.pipe, sent["answer"])
    os.utime(data_dir / "attachments" / "holiday.png", (0, 0))

    room = usage(one.pipe)["attachments"]["clearableBytes"]
    assert clear(one.pipe, "attachments") == room

    assert room >= 200_000
    names = {path.name for path in (data_dir / "attachments").iterdir()}
    assert names == {f"{shown}.png", f"{recent}.png", "holiday.png"}
    assert not {left, part.name} & names


def test_a_picture_that_a_crash_left_is_swept_when_chats_are_first_asked_for(data_dir: Path) -> None:
    left = attached(data_dir, 2 * DAY_SECONDS)
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        pipe.request("sessions/list")
        pipe.request("sessions/list")  # after the sweep: both are done on the database's thread, one by one
        assert not list(data_dir.glob(f"attachments/{left}*"))


def test_a_deleted_chat_cannot_be_read_in_any_file_once_the_copies_are_cleared(one: Served, data_dir: Path) -> None:
    chat = begun(one.pipe)
    one.provider.will(replies.chat(f"The {SECRET} plays.", *(f" {SECRET} {number}" for number in range(500))))
    ended(one.pipe, ask(one.pipe, chat, f"Where is the {SECRET}?", one.model)["answer"])
    one.pipe.request("sessions/rename", {"sessionId": chat, "title": f"About the {SECRET}"})
    assert holding(data_dir, SECRET)
    assert clear(one.pipe, "copies") == 0  # a new one took the place of the one there was
    (copied,) = (data_dir / "copies").iterdir()
    assert copied in holding(data_dir, SECRET)

    one.pipe.request("sessions/delete", {"sessionId": chat})

    assert holding(data_dir, SECRET) == [copied]
    clear(one.pipe, "copies")
    assert holding(data_dir, SECRET) == []


def test_what_was_set_aside_goes_with_the_old_copies_and_one_whole_copy_stays(sidecar: Pipe, data_dir: Path) -> None:
    for name in ("damaged-0000000000001.db", "damaged-0000000000001.db-wal", "knowledge-focus-0000000000002.db"):
        write(data_dir / "copies" / name)
    assert clear(sidecar, "copies") >= 300_000
    (copy,) = (data_dir / "copies").iterdir()
    with sqlite3.connect(copy) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert copy.stat().st_mode & 0o777 == 0o600


def holding(folder: Path, word: str) -> list[Path]:
    """The files in which it can be read."""
    said = word.encode()
    return sorted(path for path in folder.rglob("*") if path.is_file() and said in path.read_bytes())
