"""The app's icon in the tray, as the desktop sees it: on the session's bus."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

MENU = "/org/ayatana/NotificationItem/tray_icon_tray_app_tray/Menu"


@dataclass(frozen=True)
class Item:
    """One that has a label."""

    id: str
    label: str
    checked: bool


class Tray:
    """Of the one app on the bus that `variables` name."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **variables}

    def items(self) -> list[Item]:
        """What stands in its menu now; nothing while there is none."""
        listed = self._call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.ListNames")
        for name in re.findall(r"'(:[\d.]+)'", listed or ""):
            layout = self._call(name, MENU, "com.canonical.dbusmenu.GetLayout", "0", "--", "-1", "[]")
            if layout is not None:
                self._name = name
                found = re.findall(r"\((?:int32 )?(\d+), (\{[^{}]*\})", layout)
                return [
                    Item(number, label[1], "'toggle-state': <1>" in members)
                    for number, members in found
                    if (label := re.search(r"'label': <'([^']*)'>", members))
                ]
        return []

    def item(self, label: str) -> Item | None:
        """The one of that label."""
        return next((item for item in self.items() if item.label == label), None)

    def click(self, label: str) -> None:
        """Chooses it, as a person does."""
        item = self.item(label)
        assert item, f"no {label!r} in {self.items()}"
        clicked = self._call(self._name, MENU, "com.canonical.dbusmenu.Event", item.id, "clicked", "<0>", "0")
        assert clicked is not None

    def _call(self, name: str, path: str, method: str, *arguments: str) -> str | None:
        command = ["gdbus", "call", "--session", "-d", name, "-o", path, "-m", method, *arguments]
        called = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False, timeout=10)
        return called.stdout if called.returncode == 0 else None
