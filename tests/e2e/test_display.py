"""A start where no window can be opened: a message for the person and an exit code for the program that started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.window import BINARY

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has displays to be without"),
    pytest.mark.timeout(60),
]

UNAVAILABLE = 69
"""EX_UNAVAILABLE of sysexits."""


@pytest.mark.parametrize("display", [{}, {"DISPLAY": "unreachable.invalid:0"}], ids=["none", "unreachable"])
def test_a_start_without_a_display_says_so_and_starts_nothing(display: dict[str, str], tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), **display}
    command = [str(BINARY), "--data-dir", str(tmp_path / "data")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == UNAVAILABLE
    assert ended.stderr.startswith("knowledge-focus: no display can be reached")
    assert "panicked" not in ended.stderr
    assert not (tmp_path / "data/logs/sidecar-stderr.log").exists()
