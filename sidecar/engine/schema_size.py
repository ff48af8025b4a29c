"""How large a schema may be, seen before its text is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidecar.engine import messages as conversation
from sidecar.errors import InvalidSchema

MAX_SCHEMA_CHARACTERS = 512 * 1024


def check(schema: Mapping[str, Any], member: str) -> None:
    """Counts what the schema's text has at least. On the event loop: it ends where that is too much.

    Raises:
        InvalidSchema: it is too large.
        InvalidRequest: a text in it is none.
    """
    left = MAX_SCHEMA_CHARACTERS
    pending: list[Any] = [schema]
    while pending:
        each = pending.pop()
        if isinstance(each, str | Mapping | list | tuple):
            left -= len(each)
        if left < 0:
            raise too_large(member)
        if isinstance(each, str):
            conversation.check_text(each, member)
        elif isinstance(each, Mapping):
            pending += each
            pending += each.values()
        elif isinstance(each, list | tuple):
            pending += each


def too_large(member: str) -> InvalidSchema:
    """The error of a schema that is."""
    return InvalidSchema(
        "the schema is too large", member=member, reason=f"more than {MAX_SCHEMA_CHARACTERS} characters"
    )
