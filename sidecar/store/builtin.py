"""The rows that the app itself brings along: its provider, the models of its catalog, and who does what at first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sidecar.store import assignment, provider
from sidecar.store.provider import BUILTIN, CAPABILITIES, Model, Provider

if TYPE_CHECKING:
    import apsw

BASE_URL = "http://127.0.0.1:60315/v1"
"""Where the app's own proxy listens, if the person switches it on. Inside the app nobody calls it."""


def write(connection: apsw.Connection, models: Sequence[Model]) -> None:
    """Makes the built-in provider's models those of the catalog. The first of them gets all jobs that nobody has, and
    those of built-in models that the catalog has no more, or of models that rotted on the disk."""
    # What rotted is none of theirs any more.
    connection.execute("DELETE FROM provider WHERE source_type = 'builtin' AND id <> ?", (BUILTIN,))
    connection.execute("DELETE FROM capability_assignment WHERE capability NOT IN (?, ?, ?, ?)", CAPABILITIES)
    builtin = Provider(BUILTIN, "[Builtin]", BASE_URL, models=tuple(models))
    known = {each.id: each for each in provider.listed(connection)}.get(BUILTIN)
    if known is None:
        provider.insert(connection, builtin)
    elif known != builtin:
        gone = {model.id for model in known.models} - {model.id for model in models}
        assignment.give_back(connection, gone, models[0].id)
        provider.update(connection, builtin)
    assigned = assignment.listed(connection)
    there = {model.id for each in provider.listed(connection) for model in each.models}
    for capability in CAPABILITIES:
        if assigned.get(capability) not in there:
            assignment.assign(connection, capability, models[0].id)
