"""Orders to `bare.py`, which runs mlx-vlm's own generation in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.pipe import ROOT, Json

_PATIENCE = 600.0  # seconds; a process that hangs is killed then


class Reference:
    """The running process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    @contextmanager
    def loaded(cls, model: Path) -> Iterator[Reference]:
        """Starts it with the model in that folder loaded, and ends it."""
        command = [sys.executable, "-m", "tests.bench.bare", str(model)]
        with subprocess.Popen(
            command, cwd=ROOT, text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            reference = cls(process)
            try:
                reference._reply()
                yield reference
            finally:
                process.kill()

    def order(self, order: str, **arguments: Any) -> Json:
        """What a method of `bare.Bare` answers."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"order": order, **arguments}) + "\n")
        return self._reply()

    def _reply(self) -> Json:
        assert self._process.stdout
        watch = threading.Timer(_PATIENCE, self._process.kill)
        watch.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watch.cancel()
        if not line:
            raise RuntimeError("the bare reference ended; its stderr says why")
        reply: Json = json.loads(line)
        return reply
