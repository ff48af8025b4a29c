"""From a request's `model` to the engine that answers it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing

from sidecar.engine import Engine, GenerationRequest, Piece
from sidecar.errors import ModelNotFound, ModelNotLoaded
from sidecar.models import Catalog, Models

AUTO = "auto"


class Router:
    """Sends each request to the model it names, or to the built-in one when it leaves the choice to us.

    A named model is obeyed, never replaced by another. Today every model is a built-in one of the catalog.
    """

    def __init__(self, catalog: Catalog, models: Models, engine: Engine) -> None:
        self._catalog = catalog
        self._models = models
        self._engine = engine
        self._answering: Counter[str] = Counter()

    def resolve(self, model: str | None) -> str:
        """The id of the built-in model that `model` (an id, a repository, "auto" or nothing) stands for.

        Raises:
            ModelNotFound: no model has this id or repository.
        """
        known = self._catalog.models
        if model is None or model == AUTO:
            return known[0].id
        for candidate in known:
            if model in (candidate.id, candidate.repository):
                return candidate.id
        raise ModelNotFound(f"no model is called {model!r}", model=model, known=[candidate.id for candidate in known])

    def is_answering(self, model_id: str) -> bool:
        """Whether a request for the built-in model of that id waits or is answered."""
        return self._answering[model_id] > 0

    async def complete(self, model: str | None, request: GenerationRequest) -> AsyncGenerator[Piece, None]:
        """The answer to `request`, piece by piece; closing the iterator cancels the request within one step.

        Raises:
            ModelNotFound: no model has this id or repository.
            ModelNotReady: the model is not on disk, or could not be loaded and turned out to be damaged.
            EngineFailed: it could not be loaded though it is whole, or the engine broke off.
        """
        model_id = self.resolve(model)
        path = self._models.get_model_path(model_id)
        self._answering[model_id] += 1
        try:
            async with aclosing(self._engine.generate(path, request, model_id=model_id)) as pieces:
                async for piece in pieces:
                    yield piece
        except ModelNotLoaded:
            await self._models.find_damage(model_id)
            raise
        finally:
            self._answering[model_id] -= 1
