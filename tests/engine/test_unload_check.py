"""The built-in model when no job is left for it, and unloading it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.engine.residence import Residence
from sidecar.routing import UnloadCheck
from sidecar.store import Database
from tests.engine.conftest import WAIT_SECONDS, Bench


@pytest.fixture
def without_jobs(tmp_path: Path) -> Iterator[Database]:
    """A database in which no built-in model has a job."""
    database = Database(tmp_path / "knowledge-focus.db", tmp_path / "copies", lambda _: None)
    yield database
    database.close().result(timeout=10)


async def test_an_unload_that_fails_is_told_and_tried_again_with_the_next_change_of_jobs(
    bench: Bench, without_jobs: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_residence: Residence) -> None:
        raise RuntimeError("device lost")

    check = UnloadCheck(without_jobs, bench.engine)
    await bench.load()
    async with asyncio.timeout(WAIT_SECONDS):
        with monkeypatch.context() as lost:
            lost.setattr(Residence, "unload_model", broken)
            await check.check_and_unload_if_unused()
        assert bench.engine.status().loaded
        assert "could not be unloaded: the engine failed" in caplog.text

        await check.check_and_unload_if_unused()

    assert not bench.engine.status().loaded
