"""`storage/…`: what is kept in the data folder, and clearing what can be spared."""

from typing import Annotated, Any, Literal

from pydantic import Field

from sidecar.protocol.message import Message, Method, NoParams, Notification

StorageKind = Annotated[
    Literal["model", "partial", "environment", "kernels", "database", "copies", "attachments", "logs", "web", "other"],
    Field(
        description="partial: of downloads that did not come to their end; environment: Python and its packages; "
        "kernels: compiled for the GPU; copies: of the database; web: what the system's web view keeps"
    ),
]


class StorageHolding(Message):
    kind: StorageKind
    bytes: Annotated[int, Field(ge=0, description="On the disk; a file of several names counts once")]
    clearable_bytes: Annotated[
        int | None, Field(description="About what clearing it would free; null: it is not cleared")
    ]
    places: Annotated[tuple[str, ...], Field(description="Absolute paths, as far as they are there")]


class StorageUsage(Message):
    holdings: Annotated[
        tuple[StorageHolding, ...], Field(description="Every kind; each file counts for exactly one of them")
    ]


class ClearParams(Message):
    kind: Annotated[
        Literal["partial", "kernels", "copies", "attachments", "logs"],
        Field(
            description="copies: one new copy takes the place of all; attachments: those that no message shows; "
            "logs: the shell's, too"
        ),
    ]


class ClearResult(Message):
    freed_bytes: Annotated[int, Field(ge=0)]


USAGE = Method("storage/usage", NoParams, StorageUsage, "What the data folder holds, by kind", ("window",))
CLEAR = Method(
    "storage/clear",
    ClearParams,
    ClearResult,
    "Deletes what can be spared of one kind",
    ("window",),
    irreversible=True,
)

METHODS: tuple[Method[Any, Any], ...] = (USAGE, CLEAR)
NOTIFICATIONS: tuple[Notification[Any], ...] = ()
