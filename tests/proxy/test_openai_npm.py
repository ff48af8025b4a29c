"""OpenAI's own npm package, against the proxy and the real engine: `tauri-app/tests/proxy/openai.mjs` does it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.pipe import ROOT
from tests.proxy.serving import Served
from tests.rpc.asking import MODEL

SCRIPT = ROOT / "tauri-app/tests/proxy/openai.mjs"
OWN_NODE = ROOT / ".tools/env/bin/node"
SECONDS = 300  # of all of it


def test_the_npm_package_is_served_as_the_python_one(served: Served, model_data: Path) -> None:
    node = OWN_NODE if OWN_NODE.exists() else shutil.which("node")
    assert node is not None, "no Node: run ./just setup"
    command: list[str | Path] = [node, SCRIPT, served.url, served.token_file, MODEL, model_data / "logs"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
