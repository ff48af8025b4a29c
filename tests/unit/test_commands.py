"""The commands that the README names."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.pipe import ROOT, TIMEOUT

JUST = ROOT / ".tools/env/bin/just"


@pytest.mark.skipif(not JUST.exists(), reason="run by hand, not by ./just")
@pytest.mark.parametrize("recipe", ["_pytest", "_e2e", "_python", "demo-model"])
def test_recipes_run_from_a_folder_with_a_space_in_its_name(tmp_path: Path, recipe: str) -> None:
    checkout = tmp_path / "my project"
    program = checkout / ".venv/bin/python"  # stands for Python and uv: that it is found is what this is about
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho started\n")
    program.chmod(0o755)
    shutil.copy(ROOT / "justfile", checkout)

    run = subprocess.run(
        [JUST, "--justfile", checkout / "justfile", "--working-directory", checkout, recipe],
        env=os.environ | {"UV": str(program)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )

    assert "started" in run.stdout


def test_a_demo_that_is_ended_leaves_nothing_behind() -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.terminal_demo"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert demo.stdout is not None
    demo.stdout.readline()
    started = psutil.Process(demo.pid).children(recursive=True)

    demo.send_signal(signal.SIGTERM)

    assert demo.wait(TIMEOUT) == 128 + signal.SIGTERM
    demo.stdout.close()
    assert started
    assert not psutil.wait_procs(started, timeout=TIMEOUT)[1]
