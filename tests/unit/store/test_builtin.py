"""What the app brings along, from one version of its catalog to the next."""

from dataclasses import replace

import pytest

from sidecar.store import Database, assignment, provider
from sidecar.store.provider import BUILTIN, CAPABILITIES, Model, Provider
from tests.unit.store.conftest import MODEL, Opening

REMOTE = Provider("ray", "Ray", "https://ray.example/v1", models=(Model("far", "ray", "big", "Big"),))


async def test_at_the_first_start_the_built_in_model_does_all_four_jobs(database: Database) -> None:
    (builtin,) = await database.read(provider.listed)

    assert builtin == Provider(BUILTIN, "[Builtin]", "http://127.0.0.1:60315/v1", models=(MODEL,))
    assert await database.read(assignment.listed) == dict.fromkeys(CAPABILITIES, MODEL.id)


async def test_what_the_person_assigned_stays_over_a_start(opening: Opening) -> None:
    with opening() as database:
        await database.write(provider.insert, REMOTE)
        await database.write(assignment.assign, "vision", "far")
    with opening() as database:
        assert (await database.read(assignment.listed))["vision"] == "far"
        assert [each.id for each in await database.read(provider.listed)] == [BUILTIN, "ray"]


async def test_jobs_of_a_model_that_the_catalog_has_no_more_go_to_its_first(opening: Opening) -> None:
    newer = Model("newer", BUILTIN, MODEL.identifier, "Newer", MODEL.capabilities)
    with opening(MODEL) as database:
        await database.write(provider.insert, REMOTE)
        await database.write(assignment.assign, "text", "far")
    with opening(newer) as database:
        jobs = await database.read(assignment.listed)
        (builtin, _) = await database.read(provider.listed)

    assert jobs == dict.fromkeys(CAPABILITIES, "newer") | {"text": "far"}
    assert builtin.models == (newer,)


async def test_a_model_keeps_its_id_and_its_jobs_by_its_identifier(database: Database) -> None:
    await database.write(provider.insert, REMOTE)
    await database.write(assignment.assign, "vision", "far")
    renamed = provider.with_models(
        REMOTE, [replace(REMOTE.models[0], id="", display_name="Bigger", lacking=frozenset({"tool_use"}))]
    )

    await database.write(provider.update, renamed)

    assert (await database.read(provider.listed))[1] == renamed
    assert renamed.models[0].id == "far"
    assert (await database.read(assignment.listed))["vision"] == "far"


async def test_a_job_is_never_left_without_a_model(database: Database) -> None:
    await database.write(provider.insert, REMOTE)
    await database.write(assignment.assign, "vision", "far")

    with pytest.raises(Exception, match="FOREIGN KEY"):
        await database.write(provider.delete, "ray")

    assert (await database.read(assignment.listed))["vision"] == "far"
