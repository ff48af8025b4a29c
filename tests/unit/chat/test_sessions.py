"""What becomes of a chat when the disk fails in the midst."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sidecar.chat import Sessions
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
