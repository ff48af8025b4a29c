"""Providers and their models: `provider`, `model_configuration`, `model_capability`."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sidecar.store.text import ROTTEN, bytes_of, readable

if TYPE_CHECKING:
    import apsw

CAPABILITIES = ("vision", "text", "structured_output", "tool_use")
"""The four jobs, in the order in which they are shown."""
PRESETS = ("openai", "ollama", "lmstudio", "vllm")
MAX_CONCURRENCY = 64
BUILTIN = "builtin"
"""The id of the provider of the built-in models."""


@dataclass(frozen=True)
class Model:
    """A model and what it is known to do, and not to do; a capability in neither set is unknown. `identifier` is what
    its provider calls it."""

    id: str
    provider_id: str
    identifier: str
    display_name: str
    capabilities: frozenset[str] = frozenset()
    lacking: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Provider:
    """A server that speaks OpenAI's Chat Completions, or, with the id `BUILTIN`, this app itself. `background` says
    whether work that nobody waits for may go there, `concurrency` how many requests at once."""

    id: str
    name: str
    base_url: str
    preset: str | None = None
    concurrency: int = 4
    background: bool = False
    models: tuple[Model, ...] = ()

    @property
    def is_builtin(self) -> bool:
        return self.id == BUILTIN


def new_id() -> str:
    """An id that nothing has yet."""
    return str(uuid.uuid4())


def listed(connection: apsw.Connection) -> list[Provider]:
    """All of them, the built-in one first, then as they were added; but for those whose id rotted on the disk, which
    nobody could name."""
    models: dict[str, list[Model]] = {}
    for model in _models(connection):
        models.setdefault(model.provider_id, []).append(model)
    rows = connection.execute(
        f"SELECT {bytes_of('id', 'name', 'base_url', 'preset')}, concurrency, background FROM provider "  # noqa: S608
        "ORDER BY source_type = 'user', created_at, rowid"
    )
    return [
        Provider(
            id_,
            name,
            base_url,
            preset if preset in PRESETS else None,
            min(max(concurrency, 1), MAX_CONCURRENCY),
            bool(background),
            tuple(models.get(id_, ())),
        )
        for id_, name, base_url, preset, concurrency, background in map(readable, rows)
        if ROTTEN not in id_
    ]


def insert(connection: apsw.Connection, provider: Provider) -> None:
    """Adds a provider with its models."""
    connection.execute(
        "INSERT INTO provider (id, name, provider_type, source_type, preset, base_url, concurrency, background, "
        "created_at) VALUES (?, ?, 'openai', ?, ?, ?, ?, ?, ?)",
        (
            provider.id,
            provider.name,
            "builtin" if provider.is_builtin else "user",
            provider.preset,
            provider.base_url,
            provider.concurrency,
            provider.background,
            time.time_ns() // 10**6,
        ),
    )
    _insert_models(connection, provider.models)


def update(connection: apsw.Connection, provider: Provider) -> None:
    """Makes the provider of that id what `provider` says. Jobs of a model that it has no more are
    given to another one in the same transaction."""
    connection.execute(
        "UPDATE provider SET name = ?, base_url = ?, preset = ?, concurrency = ?, background = ? WHERE id = ?",
        (provider.name, provider.base_url, provider.preset, provider.concurrency, provider.background, provider.id),
    )
    connection.execute(
        "DELETE FROM model_configuration WHERE provider_id = ? AND id NOT IN (SELECT value FROM json_each(?))",
        (provider.id, json.dumps([model.id for model in provider.models])),
    )
    _insert_models(connection, provider.models)


def delete(connection: apsw.Connection, provider_id: str) -> None:
    """Removes a provider and its models, whose jobs are given to another one in the same transaction."""
    connection.execute("DELETE FROM provider WHERE id = ?", (provider_id,))


def with_models(provider: Provider, wanted: Iterable[Model]) -> Provider:
    """The provider with these models, of which those it had already by that identifier keep their ids."""
    ids = {model.identifier: model.id for model in provider.models}
    models = (
        replace(model, id=ids.get(model.identifier) or model.id or new_id(), provider_id=provider.id)
        for model in wanted
    )
    return replace(provider, models=tuple(models))


def _models(connection: apsw.Connection) -> Iterable[Model]:
    known: dict[str, tuple[set[str], set[str]]] = {}
    rows = connection.execute(f"SELECT {bytes_of('model_id', 'capability')}, has_it FROM model_capability")  # noqa: S608
    for id_, capability, has_it in map(readable, rows):
        has, lacks = known.setdefault(id_, (set(), set()))
        (has if has_it else lacks).add(capability)
    columns = bytes_of("id", "provider_id", "identifier", "display_name")
    rows = connection.execute(f"SELECT {columns} FROM model_configuration ORDER BY position")  # noqa: S608 - ours
    for id_, provider_id, identifier, display_name in map(readable, rows):
        if ROTTEN in id_:
            continue
        has, lacks = known.get(id_, (set(), set()))
        yield Model(id_, provider_id, identifier, display_name, frozenset(has), frozenset(lacks))


def _insert_models(connection: apsw.Connection, models: Sequence[Model]) -> None:
    for position, model in enumerate(models):
        connection.execute(
            "INSERT INTO model_configuration (id, provider_id, identifier, display_name, position) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET provider_id = excluded.provider_id, "
            "identifier = excluded.identifier, display_name = excluded.display_name, position = excluded.position",
            (model.id, model.provider_id, model.identifier, model.display_name, position),
        )
        connection.execute("DELETE FROM model_capability WHERE model_id = ?", (model.id,))
        connection.executemany(
            "INSERT INTO model_capability (model_id, capability, has_it) VALUES (?, ?, ?)",
            [(model.id, capability, True) for capability in sorted(model.capabilities)]
            + [(model.id, capability, False) for capability in sorted(model.lacking)],
        )
