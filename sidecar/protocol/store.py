"""`store/…`: what became of the database."""

from typing import Annotated, Any

from pydantic import Field

from sidecar.protocol.message import Message, Method, NoParams, Notification


class Recovery(Message):
    """A damaged database was set aside. Times are Unix time in milliseconds."""

    set_aside: Annotated[str | None, Field(description="Where the damaged file lies; null: somebody removed it since")]
    copied_at: Annotated[
        int | None,
        Field(description="When the copy was made that took its place; null: there was none, and a new one was begun"),
    ]
    recovered_at: int


class StoreStatus(Message):
    recovery: Annotated[Recovery | None, Field(description="Until the person dismisses it, over restarts, too")]


STATUS = Method("store/status", NoParams, StoreStatus, "Whether a damaged database was recovered", ("window",))
DISMISS = Method(
    "store/dismissRecovery", NoParams, StoreStatus, "The person has read what became of the database", ("window",)
)
STATUS_CHANGED = Notification("store/status", StoreStatus, "There is something to tell of the database", state=True)

METHODS: tuple[Method[Any, Any], ...] = (STATUS, DISMISS)
NOTIFICATIONS: tuple[Notification[Any], ...] = (STATUS_CHANGED,)
