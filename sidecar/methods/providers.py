"""`providers/…` and `secrets/put`."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from sidecar.methods.capabilities import as_message as as_assignments
from sidecar.protocol import providers as message
from sidecar.protocol.capabilities import AssignmentsResult
from sidecar.protocol.message import NoParams, NoResult
from sidecar.routing import Assignments, Change, Probed, Providers, leaves_computer, probe
from sidecar.rpc.dispatch import Bound, Call
from sidecar.store.provider import CAPABILITIES, Model, Provider


def bind(*, providers: Providers, assignments: Assignments) -> Sequence[Bound[Any, Any]]:
    """All of them."""

    async def list_(_params: NoParams, _call: Call) -> message.ProvidersResult:
        return as_message(await providers.list(), providers)

    async def create(params: message.CreateParams, _call: Call) -> message.ProviderResult:
        new = Provider(
            id="",
            name=params.name,
            base_url=params.base_url,
            preset=params.preset,
            concurrency=params.concurrency,
            models=_models(params.models),
        )
        return message.ProviderResult(provider=_row(await providers.create(new, params.accept), providers))

    async def update(params: message.UpdateParams, _call: Call) -> message.ProviderResult:
        change = Change(
            name=params.name,
            base_url=params.base_url,
            concurrency=params.concurrency,
            background=params.background,
            models=None if params.models is None else _models(params.models),
        )
        changed = await providers.update(params.provider_id, change, params.accept)
        return message.ProviderResult(provider=_row(changed, providers))

    async def delete(params: message.ProviderParams, _call: Call) -> AssignmentsResult:
        await providers.delete(params.provider_id)
        return as_assignments(await assignments.list())

    async def models(params: message.ProviderParams, _call: Call) -> message.ServedModelsResult:
        remote = await providers.remote_of(params.provider_id)
        return message.ServedModelsResult(identifiers=tuple(await remote.models()))

    async def test(params: message.TestParams, call: Call) -> message.TestResults:
        remote = await providers.remote_of(params.provider_id)
        listed = (await providers.get(params.provider_id)).models
        model_id = next((model.id for model in listed if model.identifier == params.identifier), None)
        results: list[message.TestResult] = []
        async with aclosing(probe(remote, params.identifier)) as found:
            async for each in found:
                if model_id and each.works and each.ability != "models":
                    providers.went_well(model_id)
                results.append(_tested(each))
                tested = message.TestedParams(request_id=call.id, result=results[-1])
                await call.notify(message.TESTED, tested)
        return message.TestResults(results=tuple(results))

    async def put_secret(params: message.PutSecretParams, _call: Call) -> NoResult:
        await providers.put_secret(params.provider_id, params.origin, params.secret)
        return NoResult()

    return (
        Bound(message.LIST, list_),
        Bound(message.CREATE, create, finishes=True),
        Bound(message.UPDATE, update, finishes=True),
        Bound(message.DELETE, delete, finishes=True),
        Bound(message.MODELS, models),
        Bound(message.TEST, test),
        Bound(message.PUT_SECRET, put_secret, finishes=True),
    )


def as_message(rows: Sequence[Provider], providers: Providers) -> message.ProvidersResult:
    """All providers as they cross the pipe: whether there is a key, never the key."""
    return message.ProvidersResult(providers=tuple(_row(each, providers) for each in rows))


def _row(provider: Provider, providers: Providers) -> message.Provider:
    return message.Provider.model_validate(
        {
            "id": provider.id,
            "name": provider.name,
            "base_url": provider.base_url,
            "preset": provider.preset,
            "builtin": provider.is_builtin,
            "leaves_computer": leaves_computer(provider),
            "has_secret": providers.has_secret(provider.id),
            "background": provider.background,
            "concurrency": provider.concurrency,
            "models": tuple(
                {
                    "id": model.id,
                    "identifier": model.identifier,
                    "display_name": model.display_name,
                    "capabilities": _in_order(model.capabilities),
                    "lacking": _in_order(model.lacking),
                }
                for model in provider.models
            ),
        }
    )


def _models(models: Sequence[message.NewModel]) -> tuple[Model, ...]:
    return tuple(
        Model(
            id="",
            provider_id="",
            identifier=model.identifier,
            display_name=model.display_name or model.identifier[:100],
            capabilities=frozenset(model.capabilities),
            lacking=frozenset(model.lacking),
        )
        for model in models
    )


def _in_order(capabilities: frozenset[str]) -> list[str]:
    return [capability for capability in CAPABILITIES if capability in capabilities]


def _tested(probed: Probed) -> message.TestResult:
    return message.TestResult.model_validate(probed, from_attributes=True)
