"""The choices that belong to the sidecar: what each means, its default and its range. The shell has its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sidecar.errors import InvalidRequest
from sidecar.store import Database, setting


@dataclass(frozen=True)
class Setting:
    """One choice. `value` None, where that is the default, leaves it to the computer."""

    key: str
    default: int | None
    minimum: int
    maximum: int
    value: int | None = None


DEFINITIONS = {
    each.key: each
    for each in (
        # What the model and its work may take: a quarter of the computer's memory, within limits, where nobody chose.
        Setting("memoryBudgetBytes", None, 1_000_000_000, 1_000_000_000_000),
        # Idle for so long the engine gives scratch memory back, …
        Setting("restSeconds", 60, 5, 3600),
        # … and the model's.
        Setting("unloadMinutes", 30, 1, 24 * 60),
        # Of a picture that work in the background looks at: as many as a square of 448.
        Setting("backgroundPixels", 448 * 448, 112 * 112, 2048 * 2048),
    )
}


class Settings:
    """Reads and changes them; only what differs from the default is in the database."""

    def __init__(self, database: Database, *, on_change: Callable[[Setting], None]) -> None:
        """`on_change` is called after each change, on the event loop."""
        self._database = database
        self._on_change = on_change

    async def get(self) -> list[Setting]:
        """All of them, in a fixed order."""
        return of_rows(await self._database.read(setting.listed))

    async def set(self, key: str, value: int | None) -> Setting:
        """Changes one, None: back to its default.

        Raises:
            InvalidRequest: there is no such setting, or it cannot have this value.
        """
        definition = DEFINITIONS.get(key)
        if definition is None:
            raise InvalidRequest("no such setting", member="key")
        if value is None or value == definition.default:
            await self._database.write(setting.delete, key)
        elif _fitting(definition, value) is None:
            raise InvalidRequest(
                f"{key} is between {definition.minimum} and {definition.maximum}",
                member="value",
                minimum=definition.minimum,
                maximum=definition.maximum,
            )
        else:
            await self._database.write(setting.write, key, value)
        changed = _with(definition, value)
        self._on_change(changed)
        return changed


def of_rows(kept: Mapping[str, Any]) -> list[Setting]:
    """All of them, in a fixed order, where `kept` has what was changed."""
    return [_with(each, _fitting(each, kept.get(each.key))) for each in DEFINITIONS.values()]


def _fitting(definition: Setting, value: Any) -> int | None:
    """A value that an older or newer app kept counts only where it fits."""
    if type(value) is int and definition.minimum <= value <= definition.maximum:
        return value
    return None


def _with(definition: Setting, value: int | None) -> Setting:
    return Setting(
        definition.key,
        definition.default,
        definition.minimum,
        definition.maximum,
        definition.default if value is None else value,
    )
