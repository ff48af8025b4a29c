"""The servers that `Providers` lends out, and their keys."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sidecar.engine import TextDelta
from sidecar.errors import ProviderUnreachable
from sidecar.routing import Change, Providers
from sidecar.store import Database
from sidecar.store.provider import Provider as Row
from sidecar.worker.process import Worker
from tests.provider import Provider, replies
from tests.provider.asking import SECONDS, answer, request, text_of


@pytest.fixture
def servers() -> Iterator[tuple[Provider, Provider]]:
    with Provider() as before, Provider() as after:
        for server in (before, after):
            server.will(replies.chat("Hello"))
        yield before, after


@pytest.fixture
async def providers(tmp_path: Path) -> AsyncIterator[Providers]:
    database = Database(tmp_path / "knowledge-focus.db", tmp_path / "copies", lambda _: None)
    worker = Worker()
    made = Providers(database, default_model="none", attachments=tmp_path, worker=worker, on_change=lambda: None)
    try:
        yield made
    finally:
        await made.close()
        worker.close()
        database.close().result(timeout=10)


async def test_a_request_that_was_on_its_way_when_the_address_changed_is_not_sent_the_key_of_the_new_one(
    providers: Providers, servers: tuple[Provider, Provider]
) -> None:
    before, after = servers
    old = await providers.create(Row(id="", name="Box", base_url=before.url), ())
    await providers.put_secret(old.id, before.url.removesuffix("/v1"), "key-of-before")
    new = await providers.update(old.id, Change(base_url=after.url), ())
    await providers.put_secret(old.id, after.url.removesuffix("/v1"), "key-of-after")

    assert text_of(await answer(providers.remote(old))) == "Hello"
    assert text_of(await answer(providers.remote(new))) == "Hello"

    assert "authorization" not in before.log[0].headers
    assert after.log[0].headers["authorization"] == "Bearer key-of-after"


async def test_a_provider_that_is_removed_ends_also_what_was_under_way_before_it_was_changed(
    providers: Providers, servers: tuple[Provider, Provider]
) -> None:
    server, _ = servers
    added = await providers.create(Row(id="", name="Box", base_url=server.url), ())
    pieces = providers.remote(added).generate("m", request())
    server.will(replies.chat("Hel", "lo", gate=threading.Event()))
    assert await anext(pieces) == TextDelta("Hel")
    await providers.update(added.id, Change(name="Chest"), ())

    await providers.delete(added.id)

    async with asyncio.timeout(SECONDS):
        with pytest.raises(ProviderUnreachable):
            await anext(pieces)
    server.wait_until(lambda: server.connections == 0)


@pytest.mark.parametrize("change", ["name", "key", "path"])
async def test_a_change_lets_no_more_be_under_way_at_once_than_the_provider_may_get(
    providers: Providers, servers: tuple[Provider, Provider], change: str
) -> None:
    server, _ = servers
    gate = threading.Event()
    lists = [replies.models()] * 10
    server.will(replies.chat("Hel", "lo", gate=gate), *lists, replies.chat("Hello"))
    added = await providers.create(Row(id="", name="Box", base_url=server.url, concurrency=1), ())
    first = asyncio.create_task(answer(providers.remote(added)))
    await asyncio.to_thread(server.wait_until, lambda: len(server.log) == 1)

    match change:
        case "name":
            await providers.update(added.id, Change(name="Chest"), ())
        case "key":
            await providers.put_secret(added.id, server.url.removesuffix("/v1"), "key")
        case "path":
            await providers.update(added.id, Change(base_url=server.url + "/more"), ())
    changed = await providers.remote_of(added.id)
    second = asyncio.create_task(answer(changed))
    for _ in lists:  # which wait for no place: a chat that were let in would have come among them
        await changed.models()

    assert [seen.method for seen in server.log] == ["POST", *["GET"] * len(lists)]
    gate.set()
    assert [text_of(await each) for each in (first, second)] == ["Hello", "Hello"]


async def test_who_asks_at_another_address_does_not_wait_for_answers_from_the_one_before(
    providers: Providers, servers: tuple[Provider, Provider]
) -> None:
    before, after = servers
    gate = threading.Event()
    before.will(replies.chat("Hel", "lo", gate=gate))
    added = await providers.create(Row(id="", name="Box", base_url=before.url, concurrency=1), ())
    first = asyncio.create_task(answer(providers.remote(added)))
    await asyncio.to_thread(before.wait_until, lambda: len(before.log) == 1)

    moved = await providers.update(added.id, Change(base_url=after.url), ())

    assert text_of(await answer(providers.remote(moved))) == "Hello"
    gate.set()
    await first


async def test_who_waits_gets_a_place_when_the_provider_may_get_more(
    providers: Providers, servers: tuple[Provider, Provider]
) -> None:
    server, _ = servers
    gate = threading.Event()
    server.will(replies.chat("Hel", "lo", gate=gate))
    added = await providers.create(Row(id="", name="Box", base_url=server.url, concurrency=1), ())
    asked = [asyncio.create_task(answer(providers.remote(added))) for _ in range(2)]
    await asyncio.to_thread(server.wait_until, lambda: len(server.log) == 1)

    await providers.update(added.id, Change(concurrency=2), ())

    await asyncio.to_thread(server.wait_until, lambda: len(server.log) == 2)
    gate.set()
    assert [text_of(await each) for each in asked] == ["Hello", "Hello"]
