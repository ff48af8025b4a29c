"""Text as it is on the disk: what rotted may be no UTF-8 any more, which must not make other rows unreadable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

ROTTEN = "\N{REPLACEMENT CHARACTER}"


def bytes_of(*columns: str) -> str:
    """SQL for these columns of text, which are read as bytes: SQLite's bindings refuse what is no UTF-8."""
    return ", ".join(f"CAST({column} AS BLOB)" for column in columns)


def readable(row: Sequence[Any]) -> list[Any]:
    """The row with its bytes as text, `ROTTEN` for what is none."""
    return [value.decode(errors="replace") if isinstance(value, bytes) else value for value in row]
