"""A database as the app opens it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from sidecar.store import Database, builtin
from sidecar.store.provider import BUILTIN, CAPABILITIES, Model

MODEL = Model("demo", BUILTIN, "knowledge-focus/demo", "Demo", frozenset(CAPABILITIES))

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
