"""What tests of all parts share: a data folder, and the real sidecar in it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.pipe import Pipe

# A busy machine makes an example slow, which says nothing about it.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data folder that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def fresh_sidecar(data_dir: Path) -> Iterator[Pipe]:
    """The real sidecar, before its handshake."""
    with Pipe.sidecar(data_dir) as pipe:
        yield pipe


@pytest.fixture
def sidecar(fresh_sidecar: Pipe) -> Pipe:
    """The real sidecar with the shipped catalog, ready for requests."""
    fresh_sidecar.initialize()
    return fresh_sidecar


def pytest_collection_finish() -> None:
    """Raises a `UsageError` where MLX is imported with the tests: it computes with OpenBLAS only if that was opened
    before, and without it all of them take many times as long."""
    if "mlx.core" in sys.modules:
        raise pytest.UsageError("a test module imports MLX at its top, or something that does: import it in the test")


_EXIT_CODE = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_EXIT_CODE] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leaves as the sidecar does: after MLX in a thread, the interpreter's own exit may abort."""
    if "mlx.core" in sys.modules and _EXIT_CODE in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_EXIT_CODE])
