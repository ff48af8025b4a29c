"""The four jobs: who does each, whether it can now, and giving one to another model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.errors import CapabilityMissing, ConsentNeeded, ModelNotFound, ModelNotReady
from sidecar.models import Models
from sidecar.routing.address import Address
from sidecar.routing.providers import Providers
from sidecar.store import Database, assignment, provider
from sidecar.store.provider import CAPABILITIES, Model, Provider

if TYPE_CHECKING:
    import apsw


@dataclass(frozen=True)
class Assignment:
    """A job and the model that does it. `kind` is the error that a request would get now, None where it would be
    answered as far as anybody knows; `unknown` says that nobody knows whether the model can do the job."""

    capability: str
    model_id: str
    model_name: str
    provider_id: str
    provider_name: str
    builtin: bool
    leaves_computer: bool
    kind: str | None
    unknown: bool

    @property
    def ready(self) -> bool:
        return self.kind is None


class Assignments:
    """Says who does the four jobs, and gives them to others."""

    def __init__(
        self, database: Database, providers: Providers, models: Models, *, on_change: Callable[[], None]
    ) -> None:
        """`on_change` is called after each change, on the event loop."""
        self._database = database
        self._providers = providers
        self._models = models
        self._on_change = on_change

    async def list(self) -> list[Assignment]:
        """All four, in their order."""
        providers, assigned = await self._database.read(read)
        owners = {model.id: (owner, model) for owner in providers for model in owner.models}
        return [self._described(capability, *owners[assigned[capability]]) for capability in CAPABILITIES]

    async def assign(self, capability: str, model_id: str, accept: Sequence[str]) -> Assignment:
        """Gives a job to a model.

        Raises:
            ModelNotFound: there is no such model.
            CapabilityMissing: the model is known not to be able to.
            ConsentNeeded: what is asked would go to another computer, and nobody agreed to that.
        """
        owner, model = await self._database.write(_assign, capability, model_id, accept)
        self._on_change()
        return self._described(capability, owner, model)

    def _described(self, capability: str, owner: Provider, model: Model) -> Assignment:
        kind: str | None
        if capability in model.lacking:  # marked so after it was given the job
            kind = CapabilityMissing.kind
        elif owner.is_builtin:
            # Not its status: while it is read again it answers all the same.
            kind = None if self._models.is_model_downloaded(model.id) else ModelNotReady.kind
        else:
            kind = self._providers.failed_with(model.id)
        return Assignment(
            capability=capability,
            model_id=model.id,
            model_name=model.display_name,
            provider_id=owner.id,
            provider_name=owner.name,
            builtin=owner.is_builtin,
            leaves_computer=leaves_computer(owner),
            kind=kind,
            unknown=capability not in model.capabilities | model.lacking,
        )


def read(connection: apsw.Connection) -> tuple[list[Provider], dict[str, str]]:
    """All providers, and the model's id for each job, as they are together."""
    return provider.listed(connection), assignment.listed(connection)


def leaves_computer(owner: Provider) -> bool:
    """Whether what is asked of the provider goes to another computer."""
    return not owner.is_builtin and Address(owner.base_url).leaves_computer


def _assign(
    connection: apsw.Connection, capability: str, model_id: str, accept: Sequence[str]
) -> tuple[Provider, Model]:
    for owner in provider.listed(connection):
        for model in owner.models:
            if model.id == model_id:
                _check(owner, model, capability, accept)
                assignment.assign(connection, capability, model.id)
                return owner, model
    raise ModelNotFound(f"no model has the id {model_id!r}", model=model_id)


def _check(owner: Provider, model: Model, capability: str, accept: Sequence[str]) -> None:
    # What the catalog does not say of a built-in model it cannot do; of a remote one it is merely not known.
    if capability in model.lacking or (owner.is_builtin and capability not in model.capabilities):
        raise CapabilityMissing(
            f"{model.display_name} cannot do {capability}", capability=capability, model=model.display_name
        )
    if leaves_computer(owner) and "leaves_computer" not in accept:
        raise ConsentNeeded(
            "what is asked would leave this computer", needs=["leaves_computer"], address=owner.base_url
        )
