"""What the background's bounds cost is measured against a sidecar that has none."""

from __future__ import annotations

import pytest

from sidecar.engine import pace
from tests.bench import unbounded


@pytest.mark.parametrize(("bounds", "rows", "positions"), [(True, 1, 32), (False, 8, 512)])
def test_without_bounds_slow_steps_stay_as_large_as_they_can_be(
    monkeypatch: pytest.MonkeyPatch, bounds: bool, rows: int, positions: int
) -> None:
    for name in ("RowLimit", "ChunkLimit"):
        monkeypatch.setattr(pace, name, vars(pace)[name])  # to be as it was after this
    if not bounds:
        unbounded.unbound()
    background = pace.Pace()
    background.begin(most_rows=8, most_read=512)

    background._chunk_limit.measured(32, 10.0)
    for tried in (2, 1):
        background._row_limit.measured(tried, 10.0)

    assert background.rows == rows
    assert background._chunk_limit.tokens == positions
