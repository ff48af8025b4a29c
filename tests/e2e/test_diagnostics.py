"""What a person passes on when something does not work, made by the real app."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.e2e.display import virtual_display
from tests.e2e.window import open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(180),
]


def test_a_report_tells_version_states_and_logs_and_not_whose_home_it_is(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with (
        virtual_display() as display,
        open_window(["--data-dir", str(data_dir)], display=display, pictures=tmp_path, home=tmp_path) as window,
    ):
        window.by_role("button", "Download")  # the sidecar has answered, and so has written its log
        report = window.invoke("diagnostics", {"lines": f"import-asked {tmp_path}/models"})["answer"]
        for told in (
            "Knowledge Focus 0.",
            "Linux",
            "Data folder: ~/data\n",
            '"state":"ready"',
            "--- shell.log",
            "started",
            "--- launch\nimport-asked ~/models\n",
        ):
            assert told in report
        assert str(tmp_path) not in report
        # Where the system protects no folders the app may read them, and has no settings to open.
        assert window.invoke("disk_access") == {"answer": True}
        assert window.invoke("disk_access_settings") == {"answer": None}
