"""`library/…`: the folders of the person's own files."""

from typing import Annotated, Any

from pydantic import Field

from sidecar.protocol.message import Message, Method, NoParams, Notification


class LibraryScan(Message):
    folders: Annotated[int, Field(ge=0, description="How many folders are scanned; 0: the person has chosen none yet")]


SCAN = Method("library/scan", NoParams, LibraryScan, "Looks through the chosen folders for what is new", ("window",))

METHODS: tuple[Method[Any, Any], ...] = (SCAN,)
NOTIFICATIONS: tuple[Notification[Any], ...] = ()
