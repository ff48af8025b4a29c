"""How much the background may do at a time follows what was measured."""

from __future__ import annotations

from collections.abc import Callable

from sidecar.engine.step_limits import ChunkLimit, RowLimit


def test_a_stretch_of_the_background_is_to_take_40_ms_so_that_none_takes_50() -> None:
    for seconds, rows in ((0.0399, 2), (0.0401, 1)):
        limit = RowLimit(2)
        limit.measured(1, 0.03)
        assert limit.measured(2, seconds) == (rows == 1)
        assert limit.rows == rows

    for seconds, tokens in ((0.0399, 256), (0.0401, 224)):
        chunk = ChunkLimit(256)
        chunk.measured(256, seconds)
        assert chunk.tokens == tokens


def test_the_row_limit_grows_while_there_is_room_and_falls_back_when_a_step_takes_too_long() -> None:
    limit = RowLimit(8, seconds=0.05)
    assert limit.rows == 8  # nothing is known yet
    limit.measured(1, 0.02)
    assert limit.rows == 2
    limit.measured(2, 0.024)
    assert limit.rows == 4
    limit.measured(4, 0.09)
    assert limit.rows == 3
    for _ in range(3):
        limit.measured(2, 5.0)
    assert limit.rows == 1


def test_a_second_row_is_tried_where_one_takes_more_than_half_of_what_is_allowed() -> None:
    def settled(seconds_of_a_step: Callable[[int], float]) -> list[int]:
        limit = RowLimit(8, seconds=0.05)
        tried: list[int] = []
        for _ in range(60):
            rows = limit.rows if tried else 1
            tried.append(rows)
            limit.measured(rows, seconds_of_a_step(rows))
        return tried

    first = RowLimit(8, seconds=0.05)
    assert [first.measured(rows, 0.038 * rows) for rows in (1, 2, 2)] == [False, True, False]
    memory_bound = settled(lambda rows: 0.038 + 0.001 * rows)
    compute_bound = settled(lambda rows: 0.038 * rows)

    assert memory_bound[-1] == 8
    assert compute_bound[-1] == 1
    assert sum(rows > 1 for rows in compute_bound) == 1


def test_a_number_of_rows_never_tried_is_expected_to_take_longer_but_to_be_disturbed_no_more() -> None:
    limit = RowLimit(8, seconds=0.05)
    for _ in range(50):
        limit.measured(2, 0.016)
        limit.measured(2, 0.028)  # a mean of 22 ms, a deviation of 6

    assert limit.rows == 3  # 33 ms and 12 more; in proportion it were 51


def test_one_bad_moment_rules_no_number_of_rows_out_for_good_but_one_too_many_stays_out() -> None:
    limit = RowLimit(2, seconds=0.05)
    for _ in range(10):
        limit.measured(2, 0.03)
    limit.measured(2, 5.0)
    assert limit.rows == 1
    for _ in range(100):
        limit.measured(1, 0.02)
    assert limit.rows == 2

    tries = 0
    for _ in range(2000):
        rows = limit.rows
        tries += rows == 2
        limit.measured(rows, 0.06 if rows == 2 else 0.02)
    assert 0 < tries < 20


def test_a_slow_computer_reads_shorter_chunks_and_a_fast_one_the_longest() -> None:
    limit = ChunkLimit(256, seconds=0.05)
    assert limit.tokens == 64  # nothing is known yet
    limit.measured(64, 0.004)
    assert limit.tokens == 256
    for _ in range(40):
        limit.measured(256, 0.09)
    assert limit.tokens == 128
    for _ in range(40):
        limit.measured(128, 3.0)
    assert limit.tokens == 32
