"""From a request to the model that answers it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass

from sidecar.engine import Engine, Finished, GenerationRequest, Piece, RequestPriority, has_images
from sidecar.errors import (
    CapabilityConflict,
    CapabilityMissing,
    ConsentNeeded,
    InvalidRequest,
    ModelNotFound,
    ModelNotLoaded,
    NetworkSettingError,
    ProviderError,
)
from sidecar.models import Models
from sidecar.routing.address import Address
from sidecar.routing.assignments import leaves_computer, read
from sidecar.routing.providers import Providers
from sidecar.store import Database
from sidecar.store.provider import Model, Provider

AUTO = "auto"


@dataclass(frozen=True)
class Route:
    """Who answers: a model and the provider it belongs to."""

    provider: Provider
    model: Model

    @property
    def model_id(self) -> str:
        return self.model.id

    @property
    def name(self) -> str:
        """What an answer says it comes from: a built-in model's id, or what its provider calls it."""
        return self.model.id if self.provider.is_builtin else self.model.identifier

    @property
    def leaves_computer(self) -> bool:
        """Whether what is asked goes to another computer."""
        return leaves_computer(self.provider)


class Router:
    """Sends each request to the model it names, or else to the one that the person gave the job to.

    A named model is obeyed, never replaced by another, and what fails is not sent elsewhere.
    """

    def __init__(self, database: Database, providers: Providers, models: Models, engine: Engine) -> None:
        self._database = database
        self._providers = providers
        self._models = models
        self._engine = engine
        self._answering: Counter[str] = Counter()

    async def route(self, model: str | None, request: GenerationRequest) -> Route:
        """Who answers `request`. `model` is an id, what a provider calls it, "auto" or nothing.

        Raises:
            ModelNotFound: no model is called so.
            InvalidRequest: models of several providers are.
            ConsentNeeded: a named model's provider may not have work that nobody waits for, or is on another computer
            and nobody agreed to that.
            CapabilityMissing: the model is known not to be able to.
            CapabilityConflict: it needs several jobs at once that different models do.
        """
        providers, assigned = await self._database.read(read)
        routes = [Route(provider, each) for provider in providers for each in provider.models]
        needed = capabilities_of(request)
        if model is None or model == AUTO:
            return _by_jobs(routes, assigned, needed, request.priority)
        route = _named(routes, model)
        _refuse_what_it_lacks(route.model, needed)
        _refuse_without_consent(route, request.priority, set(assigned.values()))
        return route

    def is_at_hand(self, route: Route) -> bool:
        """Whether an answer begins at once: nothing has to be loaded first."""
        status = self._engine.status()
        return not route.provider.is_builtin or (status.loaded and status.model_id == route.model_id)

    def is_answering(self, model_id: str) -> bool:
        """Whether a request for the model of that id waits or is answered."""
        return self._answering[model_id] > 0

    async def complete(self, route: Route, request: GenerationRequest) -> AsyncGenerator[Piece, None]:
        """The answer to `request`, piece by piece; closing the iterator cancels the request within one step.

        Raises:
            ModelNotReady: the model is not on disk, or could not be loaded and turned out to be damaged.
            EngineFailed: it could not be loaded though it is whole, or the engine broke off.
            ProviderError: the provider's server did not answer as it should.
        """
        self._answering[route.model_id] += 1
        try:
            async with aclosing(self._pieces(route, request)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._answering[route.model_id] -= 1

    async def _pieces(self, route: Route, request: GenerationRequest) -> AsyncGenerator[Piece, None]:
        with ExitStack() as lent:
            if route.provider.is_builtin:
                path = lent.enter_context(self._models.lend(route.model_id))
                source = self._engine.generate(path, request, model_id=route.model_id)
            else:
                source = self._providers.remote(route.provider).generate(route.model.identifier, request)
            try:
                async with aclosing(source) as pieces:
                    async for piece in pieces:
                        # Before it is handed on: who has the end of an answer may not ask for more.
                        if isinstance(piece, Finished) and not route.provider.is_builtin:
                            self._providers.went_well(route.model_id)
                        yield piece
            except ModelNotLoaded:
                await self._models.find_damage(route.model_id)
                raise
            except (ProviderError, NetworkSettingError) as error:
                self._providers.went_wrong(route.model_id, error)
                raise


def capabilities_of(request: GenerationRequest) -> list[str]:
    """The jobs that a request needs; "text" where it needs no other."""
    needed = {
        "vision": has_images(request.messages),
        "structured_output": request.schema is not None,
        "tool_use": bool(request.callable_tools),
    }
    return [capability for capability, is_needed in needed.items() if is_needed] or ["text"]


def _by_jobs(
    routes: Sequence[Route], assigned: Mapping[str, str], needed: Sequence[str], priority: RequestPriority
) -> Route:
    by_id = {route.model_id: route for route in routes}
    # Work that nobody waits for goes to a provider only where the person allowed that; else the built-in model does it.
    own = next(route for route in routes if route.provider.is_builtin)
    doing = [by_id[assigned[capability]] for capability in needed]
    if priority == RequestPriority.LOW:
        doing = [route if _may_have_background(route) else own for route in doing]
    if len({route.model_id for route in doing}) == 1:
        _refuse_what_it_lacks(doing[0].model, needed)
        return doing[0]
    # Of several that can do it all, one on this computer.
    for route in sorted(doing, key=lambda route: route.leaves_computer):
        if route.model.capabilities.issuperset(needed):
            return route
    raise CapabilityConflict(
        "the request needs jobs that different models do",
        capabilities=list(needed),
        models=[route.model.display_name for route in doing],
    )


def _named(routes: Sequence[Route], name: str) -> Route:
    for key in ("id", "identifier"):
        found = [route for route in routes if getattr(route.model, key) == name]
        if len(found) > 1:
            ids = [route.model_id for route in found]
            owners = ", ".join(f"{route.model_id} ({route.provider.name})" for route in found)
            raise InvalidRequest(
                f"several models are called {name!r}, name one by its id: {owners}", member="model", ids=ids
            )
        if found:
            return found[0]
    raise ModelNotFound(f"no model is called {name!r}", model=name, known=[each.model_id for each in routes])


def _may_have_background(route: Route) -> bool:
    """Whether work that nobody waits for may go there."""
    return route.provider.is_builtin or route.provider.background


def _refuse_without_consent(route: Route, priority: RequestPriority, doing: Collection[str]) -> None:
    """A name in a request is nobody's agreement: that was given with a job for one of the provider's models (`doing`:
    those that have one), or with leave for background work."""
    if _may_have_background(route):
        return
    if priority == RequestPriority.LOW:
        need, what = "background", "work that nobody waits for may not go to {}: a person has to allow it"
    elif route.leaves_computer and not any(model.id in doing for model in route.provider.models):
        need, what = "leaves_computer", "nothing may leave this computer for {}: a person has to give it a job"
    else:
        return
    raise ConsentNeeded(
        what.format(repr(route.provider.name)) + " in Settings",
        needs=[need],
        host=Address(route.provider.base_url).host,
        provider=route.provider.name,
    )


def _refuse_what_it_lacks(model: Model, needed: Sequence[str]) -> None:
    for capability in needed:
        if capability in model.lacking:
            raise CapabilityMissing(
                f"{model.display_name} cannot do {capability}", capability=capability, model=model.display_name
            )
