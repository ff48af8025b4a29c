"""Who is told what happens in chats."""

from __future__ import annotations

from typing import Protocol

from sidecar.store.message import Message
from sidecar.store.session import Session


class Listener(Protocol):
    """Called on the event loop, in the order in which things happen; must not wait."""

    def said(self, message: Message, offset: int, text: str) -> None:
        """`text` was added to that answer, whose own text may be older, at that code point."""

    def changed(self, message: Message) -> None:
        """An answer began, ended or broke off."""

    def session_changed(self, session: Session) -> None:
        """A chat was begun, renamed or gone on with."""
