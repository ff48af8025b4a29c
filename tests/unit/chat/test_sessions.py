"""What becomes of a chat's pictures with it, also when the disk fails in the midst."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sidecar.chat import Sessions, attachments
from sidecar.errors import SessionNotFound
from sidecar.store import Database, builtin, message
from sidecar.store.message import ImagePart, Message
from tests.unit.store.conftest import MODEL


class Nobody:
    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


async def test_a_chat_that_is_deleted_stays_so_though_its_picture_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError("the disk fails")

    database = Database(tmp_path / "a.db", tmp_path / "copies", partial(builtin.write, models=(MODEL,)))
    sessions = Sessions(database, Nobody(), tmp_path, Nobody())  # type: ignore[arg-type]
    try:
        chat = (await sessions.create()).id
        await database.write(message.insert, Message(chat, "user", (ImagePart("a" * 64),)))
        monkeypatch.setattr("sidecar.chat.attachments.files", fails)

        await sessions.delete(chat)

        with pytest.raises(SessionNotFound):
            await sessions.messages(chat, None, 1)
    finally:
        database.close().result(timeout=10)


@pytest.mark.parametrize(("later_ns", "stays"), [(999_999, False), (1_000_000, True)])
async def test_a_picture_that_was_attached_in_the_millisecond_of_its_question_goes_with_it(
    later_ns: int, stays: bool, tmp_path: Path
) -> None:
    database = Database(tmp_path / "a.db", tmp_path / "copies", partial(builtin.write, models=(MODEL,)))
    picture = tmp_path / ("a" * 64)
    picture.write_bytes(b"a picture")
    made = 1_700_000_000_123
    os.utime(picture, ns=(made * 10**6 + later_ns,) * 2)
    try:
        await database.write(attachments.delete_unused, tmp_path, {picture.name: made})
        assert picture.exists() == stays
    finally:
        database.close().result(timeout=10)
