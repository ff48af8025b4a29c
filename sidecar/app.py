"""The composition root: builds the parts when they are first needed, gives each its paths, and binds the methods."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sidecar import protocol
from sidecar.data_folder import DataFolder
from sidecar.process import ExitCode, Leave, Options, Post
from sidecar.protocol.core import CANCEL_REQUEST, INITIALIZE
from sidecar.rpc.dispatch import Bound, Namespace

if TYPE_CHECKING:
    from sidecar.engine import Engine, EngineStatus
    from sidecar.models import Catalog, DownloadEvent, Models
    from sidecar.routing import Router


class App:
    """Knowledge Focus. Its parts know each other only through here."""

    def __init__(self, folder: DataFolder, options: Options, post: Post, leave: Leave) -> None:
        self._folder = folder
        self._options = options
        self._post = post
        self._leave = leave
        if options.catalog:  # read now, so that a wrong one is refused at the start
            _ = self.catalog

    @cached_property
    def catalog(self) -> "Catalog":
        from sidecar.models import Catalog

        return Catalog.load(self._options.catalog)

    @cached_property
    def models(self) -> "Models":
        from sidecar.models import Models

        return Models(root=self._folder.builtin_models, catalog=self.catalog, notify=self._download_changed)

    @cached_property
    def engine(self) -> "Engine":
        from sidecar.engine import Engine

        return Engine(
            attachments=self._folder.attachments,
            cache=self._folder.cache,
            budget_bytes=self._options.budget_bytes,
            on_status=self._engine_changed,
            on_hung=lambda: self._leave(ExitCode.ENGINE_HUNG),
        )

    @cached_property
    def router(self) -> "Router":
        from sidecar.routing import Router

        return Router(self.catalog, self.models, self.engine)

    def namespaces(self) -> Mapping[str, Namespace]:
        binders = {
            "sidecar.protocol.core": self._core,
            "sidecar.protocol.chat": self._chat,
            "sidecar.protocol.models": self._models,
            "sidecar.protocol.computer": self._computer,
            "sidecar.protocol.library": self._library,
            "sidecar.protocol.engine": self._engine,
        }
        served_by_the_server = (INITIALIZE.name, CANCEL_REQUEST.name)
        return {name: binders[module] for name, module in protocol.MODULES.items() if name not in served_by_the_server}

    async def close(self) -> None:
        built = vars(self)
        if "models" in built:
            await self.models.close()
        if "engine" in built:
            self.engine.close()

    def _core(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import core

        return core.bind(leave=self._leave)

    def _chat(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import chat

        return chat.bind(router=self.router)

    def _models(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import models

        return models.bind(models=self.models, engine=self.engine, router=self.router)

    def _computer(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import computer

        return computer.bind(models=self.models, data_folder=self._folder.path)

    def _library(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import library

        return library.bind()

    def _engine(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import engine

        return engine.bind(engine=self.engine)

    def _download_changed(self, event: "DownloadEvent") -> None:
        from sidecar.methods.models import notification

        self._post(*notification(event), subject=event.model_id)

    def _engine_changed(self, status: "EngineStatus") -> None:
        from sidecar.methods.engine import as_message
        from sidecar.protocol.engine import STATUS_CHANGED

        self._post(STATUS_CHANGED, as_message(status))
