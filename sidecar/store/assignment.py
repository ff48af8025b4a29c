"""Which model does which of the four jobs: `capability_assignment`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sidecar.store.text import bytes_of, readable

if TYPE_CHECKING:
    import apsw


def listed(connection: apsw.Connection) -> dict[str, str]:
    """The id of the model for each job."""
    rows = connection.execute(f"SELECT {bytes_of('capability', 'model_id')} FROM capability_assignment")  # noqa: S608
    return dict(map(readable, rows))


def assign(connection: apsw.Connection, capability: str, model_id: str) -> None:
    """Gives a job to a model."""
    connection.execute(
        "INSERT INTO capability_assignment (capability, model_id) VALUES (?, ?) "
        "ON CONFLICT (capability) DO UPDATE SET model_id = excluded.model_id",
        (capability, model_id),
    )


def give_back(connection: apsw.Connection, model_ids: Iterable[str], to: str) -> list[str]:
    """Gives the jobs of these models to the model `to`; says which jobs they were."""
    gone = set(model_ids)
    jobs = [capability for capability, model_id in listed(connection).items() if model_id in gone]
    for capability in jobs:
        assign(connection, capability, to)
    return jobs
