"""The probe: the sidecar's own program with methods that do what the real ones never should."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipe import Pipe


@pytest.fixture
def probe(data_dir: Path) -> Iterator[Pipe]:
    """The probe, ready for requests."""
    with Pipe.sidecar(data_dir, module="tests.rpc.probe") as pipe:
        pipe.initialize()
        yield pipe
