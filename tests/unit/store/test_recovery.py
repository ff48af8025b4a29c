"""Setting a damaged database aside: every step may be the last one of the process."""

import sqlite3
from pathlib import Path

import pytest

from sidecar.store import recovery

DAMAGED = b"damaged" * 1000
IN_THE_LOG = b"what was written last"


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("steps", range(8))
@pytest.mark.parametrize("has_copy", [True, False])
def test_a_kill_at_any_step_leaves_the_damaged_file_with_its_log_and_one_word_of_it(
    steps: int, has_copy: bool, path: Path, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.mkdir()
    made = [(1, a_copy(copies / "knowledge-focus-0000000000001.db"))] if has_copy else []
    path.write_bytes(DAMAGED)
    recovery.beside(path, "-wal").write_bytes(IN_THE_LOG)
    original = Path.rename
    left = steps

    def rename(here: Path, to: Path) -> Path:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        return original(here, to)

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.rename", rename)
        try:
            recovery.recover(path, copies, made, 2)
            killed = False
        except Killed:
            killed = True
    assert killed == (steps < (4 if has_copy else 3))  # the record, the file, its log, the copy

    # The next opening.
    recovery.finish(path, copies)
    if path.exists() and path.read_bytes() == DAMAGED:
        recovery.recover(path, copies, made, 3)
    assert path.exists() == has_copy
    assert not recovery.beside(path, "-wal").exists()
    told = recovery.told(copies)
    assert told is not None
    assert told.copied_at == (1 if has_copy else None)
    assert told.set_aside.read_bytes() == DAMAGED
    assert recovery.beside(told.set_aside, "-wal").read_bytes() == IN_THE_LOG
    recovery.forget(copies, told)
    assert recovery.told(copies) is None


def a_copy(path: Path) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    return path
