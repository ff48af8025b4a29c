"""How text is split into words for the search: by Unicode's rules, without case and accents.

Chinese and Japanese have no spaces: there each character is a word, and what is searched for a phrase of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import apsw

TOKENIZERS = ("simplify", "unicodewords")
"""apsw's own, which the migrations name."""


def register(connection: apsw.Connection) -> None:
    """Makes the tokenizers known to a connection. `apsw.fts5` takes 0.2 s to import: with the first text that is split,
    not at the start."""
    for name in TOKENIZERS:
        connection.register_fts5_tokenizer(name, _tokenizer(name))


def query(text: str) -> str | None:
    """What `text`, as a person typed it, is in the language of FTS5: all of its words, the last of which may have only
    been begun. None where it has no word."""
    from apsw import unicode

    words = [word for word in text.replace("\0", " ").split() if any(True for _ in unicode.word_iter(word))]
    # Always in quotes: what apsw's own `quote` leaves as it is may be an operator (OR, NOT).
    return " ".join('"' + word.replace('"', '""') + '"' for word in words) + "*" if words else None


def _tokenizer(name: str) -> Callable[[apsw.Connection, list[str]], apsw.Tokenizer]:
    def made(connection: apsw.Connection, arguments: list[str]) -> apsw.Tokenizer:
        tokenizer: Any = None

        def tokenize(utf8: bytes, flags: int, locale: str | None) -> Any:
            nonlocal tokenizer
            if tokenizer is None:
                from apsw import fts5

                factory: Any = fts5.map_tokenizers[name]
                tokenizer = factory(connection, arguments)
            return tokenizer(_readable(utf8), flags, locale)

        return tokenize

    return made


def _readable(utf8: bytes) -> bytes:
    """With a question mark for each byte that rotted, so that the places of words stay; else a chat that has one could
    be neither renamed nor deleted."""
    return utf8.decode(errors="surrogateescape").encode(errors="replace")
