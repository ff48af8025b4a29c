"""What the person changed from the default: `setting`."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from sidecar.store.text import bytes_of, readable

if TYPE_CHECKING:
    import apsw

log = logging.getLogger(__name__)


def listed(connection: apsw.Connection) -> dict[str, Any]:
    """Every changed setting, by its key, but for those that rotted on the disk."""
    kept = {}
    for row in connection.execute(f"SELECT {bytes_of('key', 'value')} FROM setting"):  # noqa: S608 - ours
        key, value = readable(row)
        try:
            kept[key] = json.loads(value)
        except (ValueError, RecursionError):
            log.error("the setting %r cannot be read any more: its default counts", key)
    return kept


def write(connection: apsw.Connection, key: str, value: Any) -> None:
    """Changes one."""
    connection.execute(
        "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, json.dumps(value)),
    )


def delete(connection: apsw.Connection, key: str) -> None:
    """Gives one its default back."""
    connection.execute("DELETE FROM setting WHERE key = ?", (key,))
