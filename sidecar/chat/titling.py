"""Has a model give a chat its title. Nobody waits for that, and what fails leaves the title as it is."""

from __future__ import annotations

import logging
from contextlib import aclosing

from sidecar.chat import title
from sidecar.chat.listener import Listener
from sidecar.engine import TextDelta
from sidecar.errors import SidecarError
from sidecar.routing import Router
from sidecar.store import Database, session
from sidecar.store.message import Message

log = logging.getLogger(__name__)


async def entitle(database: Database, router: Router, listener: Listener, question: Message, answer: Message) -> None:
    """Gives the chat of that first turn a title by whoever has the text job, unless a person gave it one. The turn
    leaves the computer for that only where something of the chat did already, and no model is loaded for it."""
    try:
        chat = await database.read(session.get, question.session_id)
        if chat.titled_by in ("model", "person"):
            return
        request = title.request(question, answer)
        route = await router.route(None, request)
        if route.leaves_computer and not chat.leaves_computer:
            return
        if not router.is_at_hand(route):  # the person may just have had it taken out of memory
            return
        said = ""
        async with aclosing(router.complete(route, request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, TextDelta):
                    said += piece.text
                if len(said) >= title.MAX_SAID_CHARACTERS:
                    break
        if words := title.cleaned(said):
            entitled = await database.write(session.entitle, chat.id, words, "model")
            if entitled.titled_by == "model":
                listener.session_changed(entitled)
    except SidecarError as error:
        log.info("a chat keeps the title that it has: %s", error.kind)
