"""A provider that we did not write: mlx-vlm's own server with the demo model, in an environment of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bench.peer import PeerServer, python
from tests.engine.synthetic import DEMO_MODEL

MODEL = str(DEMO_MODEL)
"""What it calls its model."""
_ASKED = '"POST /v1/chat/completions HTTP/1.1" 200'


@dataclass(frozen=True)
class Peer:
    """The running server: `url` is what `/chat/completions` is appended to, `log` the file of what it says."""

    url: str
    log: Path

    @property
    def answers(self) -> int:
        """How many chats it has answered, or begun to."""
        return self.log.read_text(errors="replace").count(_ASKED)


@contextmanager
def demo_peer(log: Path) -> Iterator[Peer]:
    """Starts it, and ends it. Where it is not installed and cannot be, the test is skipped."""
    try:
        python()
    except (SystemExit, subprocess.CalledProcessError) as error:
        pytest.skip(f"mlx-vlm's server cannot be installed here: {error}")
    with PeerServer.serving(DEMO_MODEL, log) as server:
        yield Peer(server.url, log)
