"""The database: one SQLite file, its rows as types, and how it survives a kill, damage and a newer app.

`database.py` owns the connection and its thread; a noun's module (`provider.py`, …) is functions that take the
connection and are run by `Database.read` or `Database.write`. Knows no engine and no pipe.
"""

from sidecar.store.database import Database
from sidecar.store.opening import spared
from sidecar.store.recovery import Recovery

__all__ = ["Database", "Recovery", "spared"]
