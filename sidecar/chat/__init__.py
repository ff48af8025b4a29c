"""Chats that are kept: a question and its answer are rows before anything is asked, and the answer is written down as
it comes. Knows no pipe; whoever listens is told of each change."""

from sidecar.chat.listener import Listener
from sidecar.chat.sessions import Sessions, Turn

__all__ = ["Listener", "Sessions", "Turn"]
