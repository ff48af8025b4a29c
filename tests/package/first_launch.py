"""`python -m tests.package.first_launch ROOT PICTURES`, where there is no network: the app that was installed in ROOT
is started as a person would, and erases everything in the end. Run by `test_clean_root.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from tests.e2e import native_dialog
from tests.e2e.display import virtual_display
from tests.e2e.window import open_window
from tests.package.clean_root import PERSON

HOME = f"home/{PERSON}"
DATA = f"{HOME}/.local/share/knowledge-focus.huozhong.in"
ENVIRONMENT_SECONDS = 300
LEAVING_SECONDS = 180
"""The environment has 350 MB in thousands of files, and the disk may be slow."""


def main(root: Path, pictures: Path) -> None:
    """Everything a first launch comes to without a network, but for the model, which is not in a package."""
    # The driver starts this in the place of the app, which it then is.
    starter = pictures / "knowledge-focus"
    starter.write_text(f"#!/bin/sh\nexec chroot --userspec={PERSON}:{PERSON} '{root}' knowledge-focus \"$@\"\n")
    starter.chmod(0o755)
    variables = {"HOME": f"/{HOME}", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "XDG_RUNTIME_DIR": f"/{HOME}"}
    with (
        virtual_display() as display,
        open_window(
            [], display=display, pictures=pictures, home=pictures, variables=variables, binary=starter
        ) as window,
    ):
        window.screenshot("1-first-paint")
        window.patience = ENVIRONMENT_SECONDS
        window.by_role("button", "Download")
        window.screenshot("2-splash")
        state = window.invoke("shell_state")["answer"]
        assert (state["environment"]["state"], state["environment"]["source"]) == ("ready", None), state
        assert state["dataDir"] == f"/{DATA}", state
        assert window.call("models/status")["answer"]["state"] == "absent"
        described = window.call("computer/describe")["answer"]
        assert described["device"] == "cpu", described
        window.click("button", "Download")
        window.wait_for_text("not connected to a network")
        window.screenshot("3-no-network")
        processes = window.processes()
        # A click would wait for an answer that never comes: the page goes with the app.
        window.driver.execute_script("window.__TAURI_INTERNALS__.invoke('erase_everything', {withoutKeys: true})")
        native_dialog.answer(display, "Erase everything?", *native_dialog.YES)
        _, left = psutil.wait_procs(processes, timeout=LEAVING_SECONDS)
        assert not left, left
    assert not (root / DATA).exists(), list((root / DATA).iterdir())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
