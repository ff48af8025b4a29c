"""From token ids to text as it may be shown: whole characters, nothing of a stop string, no special tokens, no tags."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence

TokenBytes = Callable[[int], bytes]
"""The bytes a token stands for; none for a special token."""


def byte_alphabet() -> dict[str, int]:
    """The characters in which byte-level BPE writes bytes (GPT-2's table: printable ones stand for themselves)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + index): byte for index, byte in enumerate(others)}


class AnswerText:
    """The growing text of one answer.

    A character cut between two tokens waits for its rest, and a text that may be the beginning of a stop string
    waits until it is or is not one. `tags` that the model spells out, letter by letter, are shown as ‹tag›, so that
    nobody takes them for the real ones.
    """

    def __init__(self, token_bytes: TokenBytes, stop: Sequence[str], tags: Sequence[str] = ()) -> None:
        self._token_bytes = token_bytes
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = tuple(stop)
        self._tags = tuple(tags)
        self._held = ""
        self.stopped = False

    def push(self, token: int) -> str:
        """The text that is certain after `token`, perhaps none. `stopped` is True once a stop string was met."""
        if self.stopped:
            return ""
        self._held += self._utf8.decode(self._token_bytes(token))
        found = [at for at in (self._held.find(stop) for stop in self._stop) if at >= 0]
        if found:
            self.stopped = True
            certain, self._held = self._untagged(self._held[: min(found)]), ""
            return certain
        return self._release(self._before_tag(len(self._held) - self._possible_beginning()))

    def finish(self) -> str:
        """What was still held back. Bytes of a character that never became whole are dropped."""
        return self._release(len(self._held))

    def _untagged(self, text: str) -> str:
        for tag in self._tags:
            text = text.replace(tag, f"‹{tag[1:-1]}›")
        return text

    def _release(self, length: int) -> str:
        # What is held stays as the model wrote it: a stop string may hold a tag.
        certain, self._held = self._held[:length], self._held[length:]
        return self._untagged(certain)

    def _before_tag(self, length: int) -> int:
        """`length`, or where the tag begins that would be cut there."""
        for tag in self._tags:
            begins = self._held.find(tag, max(0, length - len(tag) + 1), length + len(tag) - 1)
            if begins >= 0:
                return self._before_tag(begins)
        return length

    def _possible_beginning(self) -> int:
        """How many characters at the end may be the beginning of a stop string or a tag."""
        awaited = (*self._stop, *self._tags)
        longest = max((len(text) - 1 for text in awaited), default=0)
        for length in range(min(longest, len(self._held)), 0, -1):
            tail = self._held[-length:]
            if any(text.startswith(tail) for text in awaited):
                return length
        return 0
