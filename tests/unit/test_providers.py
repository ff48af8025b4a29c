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
from sidecar.worker import Worker
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
    await providers.update(added.id, Change(concurrency=2), ())

    await providers.delete(added.id)

    async with asyncio.timeout(SECONDS):
        with pytest.raises(ProviderUnreachable):
            await anext(pieces)
    server.wait_until(lambda: server.connections == 0)
