"""Text as it is on the disk: what rotted may be no UTF-8 any more, which must not make other rows unreadable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

ROTTEN = "\N{REPLACEMENT CHARACTER}"
NO_DIGIT = re.compile(r"[^0-9a-f]")


def bytes_of(*columns: str) -> str:
    """SQL for these columns of text, which are read as bytes: SQLite's bindings refuse what is no UTF-8."""
    return ", ".join(f"CAST({column} AS BLOB)" for column in columns)


def readable(row: Sequence[Any]) -> list[Any]:
    """The row with its bytes as text, `ROTTEN` for what is none."""
    return [value.decode(errors="replace") if isinstance(value, bytes) else value for value in row]


def digits(sha256: str) -> str:
    """The name of a picture, with 0 for what rotted in it: there is none of that name, and it is no pattern of others'
    names."""
    return NO_DIGIT.sub("0", sha256)


def pictures(rows: Iterable[Sequence[Any]]) -> dict[str, int]:
    """Of rows of a picture's name, as `bytes_of` reads it, and a time: the time of each."""
    return {digits(sha256): at for sha256, at in map(readable, rows)}
