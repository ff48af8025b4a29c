"""What of a database's file is damaged."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sidecar.store.transaction import transaction

if TYPE_CHECKING:
    import apsw

log = logging.getLogger(__name__)

ONE_ROW = re.compile(r"CHECK constraint failed in \w+")
"""A row whose values rotted: whoever reads it makes of it what can be made."""
INDEX = re.compile(r"\b(session|message)_search")
"""The index of words, which is made of the chats and can be made again."""
REMEDIES = {
    # By an id that is no text nobody could ask for the chat.
    "session": """
        REINDEX session;
        UPDATE session SET id = lower(hex(randomblob(16))) WHERE id GLOB '*[^0-9a-f-]*';
    """,
    "provider": "REINDEX provider",
    "model_configuration": "REINDEX model_configuration",
    "capability_assignment": "REINDEX capability_assignment",
    "setting": "REINDEX setting",
    # It is its own index: its rows lie in the order of their keys.
    "model_capability": """
        CREATE TEMP TABLE kept AS SELECT * FROM model_capability;
        DELETE FROM model_capability;
        INSERT OR IGNORE INTO model_capability
        SELECT * FROM kept WHERE model_id IN (SELECT id FROM model_configuration);
        DROP TABLE kept;
    """,
}
"""For the tables whose keys are compared with their rows at each start: 0.02 s for 10,000 chats."""


class UnindexedError(Exception):
    """A row is there that its index does not know: to be looked for again with a new one."""


def damage(connection: apsw.Connection) -> list[str]:
    """What is wrong with the file, in SQLite's words. Every page is read, in a tenth of what integrity_check takes."""
    return _said(connection, "quick_check")


def is_only_of_index(found: Sequence[str]) -> bool:
    """Whether all of that is wrong with the index of words alone."""
    return all(INDEX.search(row) for row in found)


def mend_keys(connection: apsw.Connection) -> None:
    """Has the rows of small tables found by the keys that they have: of one that rotted the index has the old one, and
    no new row could have it.

    Raises:
        apsw.Error: not now.
    """
    for table, remedy in REMEDIES.items():
        if found := _said(connection, f"integrity_check({table})"):
            log.error("a key of %s is damaged: %s", table, found[0])
            with transaction(connection):
                connection.execute(remedy)


def indexes_anew(connection: apsw.Connection) -> None:
    """Makes the indexes of all tables anew."""
    connection.execute("REINDEX")


def _said(connection: apsw.Connection, check: str) -> list[str]:
    found = [str(row) for (row,) in connection.execute(f"PRAGMA {check}").fetchall()]
    return [row for row in found if row != "ok" and not ONE_ROW.fullmatch(row)]
