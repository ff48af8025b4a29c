"""What a line would cost, told from its bytes: JSON is parsed in one go, and nobody else is served meanwhile.

A line of 32 MiB may hold one picture, which is parsed in 15 ms, or millions of values, which take seconds, here and
everywhere after.
"""

import re
from typing import Literal

MAX_VALUES = 32 * 1024
"""Of one line, counted by its commas and opening brackets. 4,096 messages have 12,000, a schema of 512 K some 50,000
only if all its words have two letters."""

MAX_ESCAPES = 2**20
"""Backslashes in one line: a million take 40 ms."""

Excess = Literal["values", "escapes"]
LIMITS: dict[Excess, int] = {"values": MAX_VALUES, "escapes": MAX_ESCAPES}

_COSTLY = b",[{\\"
_CHAT = b'"chat/completions"'
_OF_A_CHAT = re.compile(rb'"method"\s*:\s*' + _CHAT)
_PRIORITY = b'"priority"'
_OF_A_PERSON = re.compile(rb'"priority"\s*:\s*1\s*[,}]')


def costly_bytes(data: bytes | bytearray) -> int:
    """How many bytes of `data` may begin or part values, or escape a character; none does more than that."""
    return len(data) - len(data.translate(None, _COSTLY))


def excess(line: bytes | bytearray) -> Excess | None:
    """What a line, or the beginning of one, has too many of. What is in a text is no value."""
    if escapes := line.count(b"\\"):
        if escapes > MAX_ESCAPES:
            return "escapes"
        # Afterwards no quote is left but those round strings.
        line = line.replace(b"\\\\", b"").replace(b'\\"', b"")
    if line.count(b'"') > 4 * (MAX_VALUES + 1):  # a value has two, and so has the name before it
        return "values"
    return "values" if costly_bytes(b"".join(line.split(b'"')[::2])) > MAX_VALUES else None


def can_wait(line: bytes | bytearray) -> bool:
    """Whether a line asks for a chat that no person waits for. Where that cannot be told it is a person's.

    Inside of a text these names would have their quotes escaped. Who writes their letters by numbers is served too,
    in another's place.
    """
    if line.find(_CHAT) < 0 or not _OF_A_CHAT.search(line):
        return False
    at = -1
    while (at := line.find(_PRIORITY, at + 1)) >= 0:
        if _OF_A_PERSON.match(line, at):
            return False
    return True
