"""What the hub answers to one request, before any fault, and how it is put on the wire."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PIECE = 64 * 1024  # Bytes written at once; small enough that a rate is even and a cut is where it was asked for.


@dataclass(frozen=True)
class Reply:
    """One answer. Faults are functions from a reply to a changed reply; the server carries out what it says.

    The body is `body`, or, where `source` is given, `length` bytes of that file from `start` on. Offsets of faults
    count the bytes of this reply's body.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    source: Path | None = None
    start: int = 0
    length: int = 0
    answer: bool = True  # False: not even a status line; the connection stays open and silent.
    bytes_per_second: float | None = None
    stall_after: int | None = None  # Then silence, the connection stays open.
    cut_after: int | None = None  # Then the connection is closed with the body incomplete.
    reset: bool = False  # The cut is a TCP reset instead of an orderly close.
    corrupt_at: int | None = None  # The byte here has all its bits flipped.
    chunked: bool = False  # In chunks and without a Content-Length, as hubs behind some proxies answer.

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return self.length if self.source is not None else len(self.body)

    def pieces(self) -> Iterator[bytes]:
        """The body in small pieces, already corrupted where that was asked for."""
        position = 0
        for piece in self._read():
            if self.corrupt_at is not None and position <= self.corrupt_at < position + len(piece):
                at = self.corrupt_at - position
                yield piece[:at] + bytes([piece[at] ^ 0xFF]) + piece[at + 1 :]
            else:
                yield piece
            position += len(piece)

    def _read(self) -> Iterator[bytes]:
        if self.source is None:
            for at in range(0, len(self.body), PIECE):
                yield self.body[at : at + PIECE]
            return
        remaining = self.length
        with self.source.open("rb") as source:
            source.seek(self.start)
            while remaining and (piece := source.read(min(PIECE, remaining))):
                remaining -= len(piece)
                yield piece


def json_reply(value: object, status: int = 200, **headers: str) -> Reply:
    """A JSON answer. Underscores in header names stand for hyphens."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, {"Content-Type": "application/json; charset=utf-8", **named}, json.dumps(value).encode())


def not_found(code: str, message: str) -> Reply:
    """A 404 in the hub's form: `X-Error-Code` is what huggingface_hub goes by."""
    return json_reply({"error": message}, 404, X_Error_Code=code, X_Error_Message=message)
