"""A tiny model for trying the benchmarks out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.repository import Repository
from tests.bench.setting import Setting


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository.of("tiny", tmp_path_factory.mktemp("models"))


@pytest.fixture
def setting(tiny: Repository, tmp_path: Path) -> Setting:
    """Everything once or twice, on the tiny model, and without a peer: it would have to be installed."""
    return Setting("tiny", tiny, tmp_path, peer=False, quick=True)
