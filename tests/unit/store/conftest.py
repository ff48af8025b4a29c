"""A database as the app opens it, and what can befall it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from sidecar.store import Database, builtin
from sidecar.store.provider import BUILTIN, CAPABILITIES, Model

MODEL = Model("demo", BUILTIN, "knowledge-focus/demo", "Demo", frozenset(CAPABILITIES))

LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""

Opening = Callable[..., AbstractContextManager[Database]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "knowledge-focus.db"


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    return tmp_path / "copies"


@pytest.fixture
def opening(path: Path, copies: Path) -> Opening:
    """Opens the database; several times one after the other, as starts of the app do."""

    @contextmanager
    def open_it(*models: Model) -> Iterator[Database]:
        database = Database(path, copies, partial(builtin.write, models=models or (MODEL,)))
        try:
            yield database
        finally:
            database.close().result(timeout=10)

    return open_it


@pytest.fixture
def database(opening: Opening) -> Iterator[Database]:
    with opening() as database:
        yield database


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process writes: within one, two copies of SQLite do not see each other's locks."""
    command = [sys.executable, "-c", LOCKER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            other.stdin.close()


def damage(path: Path) -> None:
    """Overwrites a page in the middle, and leaves the file's length as it was."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
