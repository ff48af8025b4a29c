"""What the person changed from the default: `setting`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import apsw


def listed(connection: apsw.Connection) -> dict[str, Any]:
    """Every changed setting, by its key."""
    return {key: json.loads(value) for key, value in connection.execute("SELECT key, value FROM setting")}


def write(connection: apsw.Connection, key: str, value: Any) -> None:
    """Changes one."""
    connection.execute(
        "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, json.dumps(value)),
    )


def delete(connection: apsw.Connection, key: str) -> None:
    """Gives one its default back."""
    connection.execute("DELETE FROM setting WHERE key = ?", (key,))
