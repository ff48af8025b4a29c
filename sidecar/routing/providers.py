"""The providers that the person added: kept in the database, their keys in memory only, behind each a `Remote`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from sidecar.errors import (
    ConsentNeeded,
    NetworkSettingError,
    ProviderError,
    ProviderInvalid,
    ProviderNotFound,
    ProviderRejected,
    SecretInvalid,
)
from sidecar.routing.address import Address
from sidecar.routing.remote import Remote
from sidecar.routing.remote_answer import FILTERED
from sidecar.routing.remote_queue import Places
from sidecar.store import Database, assignment, provider
from sidecar.store.provider import CAPABILITIES, Model, Provider
from sidecar.worker.process import Worker

if TYPE_CHECKING:
    import apsw

SECRET = re.compile(r"[\x21-\x7e]{1,4096}")
"""What can stand in an Authorization header: visible ASCII, no white space."""
REQUEST_STATUSES = (400, 413, 415, 422)
"""Of HTTP, those that find fault with what is asked, as 404 does not, which means the model or the address."""


@dataclass(frozen=True)
class Change:
    """What of a provider is to be changed; None leaves it as it is."""

    name: str | None = None
    base_url: str | None = None
    concurrency: int | None = None
    background: bool | None = None
    models: Sequence[Model] | None = None


class Providers:
    """Adds, changes and removes them, and lends out their servers."""

    def __init__(
        self,
        database: Database,
        *,
        default_model: str,
        attachments: Path,
        worker: Worker,
        on_change: Callable[[], None],
    ) -> None:
        """`default_model` is the id of the built-in model that gets the jobs of models which are removed. `on_change`
        is called after each change, on the event loop."""
        self._database = database
        self._default_model = default_model
        self._attachments = attachments
        self._worker = worker
        self._on_change = on_change
        self._secrets: dict[str, tuple[str, str]] = {}  # the origin that each was given for, and the key
        self._remotes: dict[str, tuple[tuple[object, ...], Remote]] = {}
        self._places: dict[str, Places] = {}  # shared by a provider's server of now and those of before
        self._retired: dict[str, WeakSet[Remote]] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._failures: dict[str, str] = {}  # the kind of the last one, by the id of the model

    async def list(self) -> list[Provider]:
        """All of them, the built-in one first."""
        return await self._database.read(provider.listed)

    async def get(self, provider_id: str) -> Provider:
        """One of them.

        Raises:
            ProviderNotFound: there is none of that id.
        """
        return _found(await self.list(), provider_id)

    async def create(self, new: Provider, accept: Sequence[str]) -> Provider:
        """Adds one; the ids in `new` are not looked at.

        Raises:
            ProviderInvalid: its address or its models cannot be.
            ConsentNeeded: all that is sent there could be read on the way, and nobody agreed to that.
        """
        address = _checked_address(new.base_url, accept)
        _check_models(new.models)
        added = replace(new, id=provider.new_id(), base_url=address.url, models=())
        added = provider.with_models(added, new.models)
        await self._database.write(provider.insert, added)
        self._on_change()
        return added

    async def update(self, provider_id: str, change: Change, accept: Sequence[str]) -> Provider:
        """Changes one. At another origin its key is forgotten and background work no longer allowed: both were given
        for the one before. Jobs of models that it has no more go back to the built-in model.

        Raises:
            ProviderNotFound: there is none of that id.
            ProviderInvalid: its address or its models cannot be, or it is the built-in one.
            ConsentNeeded: all that is sent there could be read on the way, or its models have jobs, which would go to
            another computer than before, or background work would go to another computer by itself, and nobody agreed
            to that.
        """
        address = None if change.base_url is None else _checked_address(change.base_url, accept)
        if change.models is not None:
            _check_models(change.models)
        before, after = await self._database.write(_update, provider_id, change, address, self._default_model, accept)
        if Address(before.base_url).origin != Address(after.base_url).origin:
            self._secrets.pop(provider_id, None)
            self._places.pop(provider_id, None)  # what hangs there is no reason to wait here
        self._forget_failures(before)
        self._renew_remote(after)
        self._on_change()
        return after

    async def delete(self, provider_id: str) -> None:
        """Removes one; the jobs of its models go back to the built-in model.

        Raises:
            ProviderNotFound: there is none of that id.
            ProviderInvalid: it is the built-in one.
        """
        gone = await self._database.write(_delete, provider_id, self._default_model)
        self._secrets.pop(provider_id, None)
        self._forget_failures(gone)
        await self._close(provider_id)
        self._on_change()

    async def put_secret(self, provider_id: str, origin: str, secret: str | None) -> None:
        """Lends the key of a provider to this process; None takes it back.

        Raises:
            ProviderNotFound: there is none of that id.
            SecretInvalid: it cannot be a key, or it was given for another origin than the provider has now.
        """
        if secret is not None and not SECRET.fullmatch(secret):
            raise SecretInvalid("a key is one line of visible ASCII characters", reason="characters")
        owner = await self.get(provider_id)
        if origin != Address(owner.base_url).origin:
            raise SecretInvalid("the key was given for another address", reason="origin")
        if secret is None:
            self._secrets.pop(provider_id, None)
        else:
            self._secrets[provider_id] = (origin, secret)
        self._forget_failures(owner)
        self._renew_remote(owner)
        self._on_change()

    def has_secret(self, provider_id: str) -> bool:
        """Whether this process has a key for it."""
        return provider_id in self._secrets

    def remote(self, provider: Provider) -> Remote:
        """The provider's server, as the provider is now. Requests on the one before go on; with the last of them its
        connections are closed."""
        origin, secret = self._secrets.get(provider.id, (None, None))
        if origin != Address(provider.base_url).origin:
            # A request that was on its way when the address changed asks where it was going, without the key of now.
            secret = None
        places = self._places.setdefault(provider.id, Places(provider.concurrency))
        places.resize(provider.concurrency)
        made_of = (provider.name, provider.base_url, secret)
        known = self._remotes.get(provider.id)
        if known is None or known[0] != made_of:
            remote = Remote(
                name=provider.name,
                base_url=provider.base_url,
                secret=secret,
                places=places,
                attachments=self._attachments,
                worker=self._worker,
            )
            if known is not None:
                self._retire(provider.id, known[1])
            known = self._remotes[provider.id] = (made_of, remote)
        return known[1]

    async def remote_of(self, provider_id: str) -> Remote:
        """The server of the provider of that id.

        Raises:
            ProviderNotFound: there is none of that id.
            ProviderInvalid: it is the built-in one, which has none.
        """
        found = await self.get(provider_id)
        if found.is_builtin:
            raise ProviderInvalid("the built-in provider has no server", reason="builtin")
        return self.remote(found)

    def failed_with(self, model_id: str) -> str | None:
        """The kind of the error with which the last request for the model of that id failed; None if that went well, or
        there was none."""
        return self._failures.get(model_id)

    def went_well(self, model_id: str) -> None:
        """A request for the model was answered."""
        if self._failures.pop(model_id, None):
            self._on_change()

    def went_wrong(self, model_id: str, error: ProviderError | NetworkSettingError) -> None:
        """A request for the model failed. One that the server found no fault with but in the request itself tells
        nothing of the next one, and is not kept."""
        if not _is_about_request(error) and self._failures.get(model_id) != error.kind:
            self._failures[model_id] = error.kind
            self._on_change()

    async def close(self) -> None:
        """Ends all connections."""
        for provider_id in {*self._remotes, *self._retired}:
            await self._close(provider_id)

    def _forget_failures(self, owner: Provider) -> None:
        for model in owner.models:
            self._failures.pop(model.id, None)

    def _renew_remote(self, changed: Provider) -> None:
        """So that connections made for what it was before do not wait for the next request."""
        if changed.id in self._remotes:
            self.remote(changed)

    def _retire(self, provider_id: str, remote: Remote) -> None:
        self._retired.setdefault(provider_id, WeakSet()).add(remote)
        task = asyncio.get_running_loop().create_task(remote.retire())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _close(self, provider_id: str) -> None:
        """Ends all connections to its servers, of before and now."""
        self._places.pop(provider_id, None)
        remotes = list(self._retired.pop(provider_id, ()))
        if known := self._remotes.pop(provider_id, None):
            remotes.append(known[1])
        for remote in remotes:
            with suppress(OSError):
                await remote.close()


def _update(
    connection: apsw.Connection,
    provider_id: str,
    change: Change,
    address: Address | None,
    default_model: str,
    accept: Sequence[str],
) -> tuple[Provider, Provider]:
    before = _changeable(connection, provider_id)
    # To another path, too: it may be somebody else's.
    moved = address is not None and address.url != before.base_url
    after = replace(
        before,
        name=before.name if change.name is None else change.name,
        base_url=before.base_url if address is None else address.url,
        concurrency=before.concurrency if change.concurrency is None else change.concurrency,
        background=(before.background and not moved) if change.background is None else change.background,
    )
    if change.models is not None:
        after = provider.with_models(after, change.models)
    gone = {model.id for model in before.models} - {model.id for model in after.models}
    assignment.give_back(connection, gone, default_model)
    # What somebody agreed to was the address before.
    has_jobs = {model.id for model in after.models} & set(assignment.listed(connection).values())
    if address and moved and address.leaves_computer and has_jobs and "leaves_computer" not in accept:
        raise ConsentNeeded("its jobs would leave this computer", needs=["leaves_computer"], address=address.url)
    target = Address(after.base_url)
    begins = after.background and (moved or not before.background)
    if begins and target.leaves_computer and "background_leaves" not in accept:
        raise ConsentNeeded(
            "background work would leave this computer by itself", needs=["background_leaves"], address=target.url
        )
    provider.update(connection, after)
    return before, after


def _delete(connection: apsw.Connection, provider_id: str, default_model: str) -> Provider:
    gone = _changeable(connection, provider_id)
    assignment.give_back(connection, {model.id for model in gone.models}, default_model)
    provider.delete(connection, provider_id)
    return gone


def _is_about_request(error: ProviderError | NetworkSettingError) -> bool:
    """Whether another request may well be answered: this one was malformed, too long, of a kind or with content that
    the server does not take."""
    if not isinstance(error, ProviderRejected):
        return False
    return error.details.get("status") in REQUEST_STATUSES or error.details.get("reason") == FILTERED


def _changeable(connection: apsw.Connection, provider_id: str) -> Provider:
    found = _found(provider.listed(connection), provider_id)
    if found.is_builtin:
        raise ProviderInvalid("the built-in provider stays as it is", reason="builtin")
    return found


def _found(providers: Sequence[Provider], provider_id: str) -> Provider:
    for each in providers:
        if each.id == provider_id:
            return each
    raise ProviderNotFound(f"no provider {provider_id!r}", provider=provider_id)


def _checked_address(text: str, accept: Sequence[str]) -> Address:
    address = Address.parse(text)
    if address.is_plain and "plain_http" not in accept:
        raise ConsentNeeded("what is sent there can be read on the way", needs=["plain_http"], address=address.url)
    return address


def _check_models(models: Sequence[Model]) -> None:
    names = [model.identifier for model in models]
    if len(set(names)) != len(names) or any(model.capabilities & model.lacking for model in models):
        raise ProviderInvalid("a model twice, or with a job that it can and cannot do", reason="models")
    assert all(model.capabilities | model.lacking <= set(CAPABILITIES) for model in models)
