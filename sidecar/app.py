"""The composition root: builds the parts when they are first needed, gives each its paths, and binds the methods.

As long as there are parts: each is a few lines, and they are together nowhere else.
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from sidecar import protocol
from sidecar.data_folder import DataFolder
from sidecar.errors import DiskFull, SidecarRestarted, StoreError, StoreFailed
from sidecar.process import ExitCode, Leave, Options, Post
from sidecar.protocol.core import CANCEL_REQUEST, INITIALIZE
from sidecar.rpc.dispatch import Bound, Namespace

if TYPE_CHECKING:
    import apsw

    from sidecar.chat import Sessions
    from sidecar.engine import Engine, EngineStatus
    from sidecar.models import Catalog, DownloadEvent, Models
    from sidecar.routing import Assignments, Providers, Router, UnloadCheck
    from sidecar.settings import Setting, Settings
    from sidecar.storage import Storage
    from sidecar.store import Database
    from sidecar.worker.process import Worker

log = logging.getLogger(__name__)

DATABASE_SECONDS = 1.0
"""How long the database may take to fold its log into its file when the process leaves."""


class App:
    """Knowledge Focus. Its parts know each other only through here."""

    def __init__(self, folder: DataFolder, options: Options, post: Post, leave: Leave) -> None:
        self._folder = folder
        self._options = options
        self._post = post
        self._leave = leave
        self._tasks: set[asyncio.Task[None]] = set()
        self._set: dict[str, int | None] = {}
        self._left: list[tuple[str, str]] = []
        if options.catalog:  # read now, so that a wrong one is refused at the start
            _ = self.catalog

    @cached_property
    def catalog(self) -> "Catalog":
        from sidecar.models import Catalog

        return Catalog.load(self._options.catalog)

    @cached_property
    def models(self) -> "Models":
        from sidecar.models import Models

        models = Models(
            root=self._folder.builtin_models,
            catalog=self.catalog,
            notify=self._download_changed,
            on_change=self._models_changed,
        )
        self._later(models.sweep_superseded())  # what a process that died, or was asked, was answering from
        return models

    @cached_property
    def database(self) -> "Database":
        from sidecar.settings import of_rows
        from sidecar.store import Database, builtin, message, provider, setting

        loop = asyncio.get_running_loop()
        models = [
            provider.Model(
                id=model.id,
                provider_id=provider.BUILTIN,
                identifier=model.repository,
                display_name=model.display_name,
                capabilities=frozenset(model.capabilities),
            )
            for model in self.catalog.models
        ]

        def on_open(connection: "apsw.Connection") -> None:
            left = message.interrupt_left(connection, SidecarRestarted.kind)  # by the process before this one
            loop.call_soon_threadsafe(self._opened, of_rows(setting.listed(connection)), left)

        return Database(self._folder.database, self._folder.copies, partial(builtin.write, models=models), on_open)

    @cached_property
    def settings(self) -> "Settings":
        from sidecar.settings import Settings

        return Settings(self.database, on_change=self._setting_changed)

    @cached_property
    def worker(self) -> "Worker":
        from sidecar.worker.process import Worker

        return Worker()

    @cached_property
    def engine(self) -> "Engine":
        from sidecar.engine import Engine

        engine = Engine(
            attachments=self._folder.attachments,
            cache=self._folder.cache,
            worker=self.worker,
            budget_bytes=self._options.budget_bytes,
            on_status=self._engine_changed,
            on_hung=lambda: self._leave(ExitCode.ENGINE_HUNG),
        )
        self._configure(engine)
        return engine

    @cached_property
    def providers(self) -> "Providers":
        from sidecar.routing import Providers

        return Providers(
            self.database,
            default_model=self.catalog.models[0].id,
            attachments=self._folder.attachments,
            worker=self.worker,
            on_change=self._providers_changed,
        )

    @cached_property
    def assignments(self) -> "Assignments":
        from sidecar.routing import Assignments

        return Assignments(self.database, self.providers, self.models, on_change=self._assigned)

    @cached_property
    def router(self) -> "Router":
        from sidecar.routing import Router

        return Router(self.database, self.providers, self.models, self.engine)

    @cached_property
    def unload_check(self) -> "UnloadCheck":
        from sidecar.routing import UnloadCheck

        return UnloadCheck(self.database, self.engine)

    @cached_property
    def sessions(self) -> "Sessions":
        from sidecar.chat import Sessions
        from sidecar.methods.sessions import Notifier

        self._later(self.storage.sweep())
        return Sessions(self.database, self.router, self._folder.attachments, Notifier(self._post))

    @cached_property
    def storage(self) -> "Storage":
        from sidecar.storage import Storage

        return Storage(self._folder, self.database, self.models)

    def namespaces(self) -> Mapping[str, Namespace]:
        binders = {
            "sidecar.protocol.core": self._core,
            "sidecar.protocol.chat": self._chat,
            "sidecar.protocol.sessions": self._sessions,
            "sidecar.protocol.models": self._models,
            "sidecar.protocol.computer": self._computer,
            "sidecar.protocol.library": self._library,
            "sidecar.protocol.capabilities": self._capabilities,
            "sidecar.protocol.providers": self._providers,
            "sidecar.protocol.settings": self._settings,
            "sidecar.protocol.store": self._store,
            "sidecar.protocol.storage": self._storage,
            "sidecar.protocol.engine": self._engine,
        }
        served_by_the_server = (INITIALIZE.name, CANCEL_REQUEST.name)
        return {name: binders[module] for name, module in protocol.MODULES.items() if name not in served_by_the_server}

    async def open(self) -> None:
        try:
            await self.database.open()
        except (StoreFailed, DiskFull) as error:
            # Whoever needs it is told so, and it is tried again then.
            log.error("the database cannot be opened: %s", error)

    async def close(self) -> None:
        built = vars(self)
        for task in self._tasks:
            task.cancel()
        if "sessions" in built:
            await self.sessions.close()
        if "models" in built:
            await self.models.close()
        if "engine" in built:
            self.engine.close()
        if "providers" in built:
            await self.providers.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(self.database.close()), DATABASE_SECONDS)

    def _core(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import core

        return core.bind(leave=self._leave)

    def _chat(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import chat

        return chat.bind(router=self.router)

    def _sessions(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import sessions

        return sessions.bind(sessions=self.sessions, take_left=self._take_left)

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

    def _capabilities(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import capabilities

        return capabilities.bind(assignments=self.assignments)

    def _providers(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import providers

        return providers.bind(providers=self.providers, assignments=self.assignments)

    def _settings(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import settings

        return settings.bind(settings=self.settings)

    def _store(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import store

        return store.bind(database=self.database, on_change=self._tell_of_store)

    def _storage(self) -> Sequence[Bound[Any, Any]]:
        from sidecar.methods import storage

        return storage.bind(storage=self.storage)

    def _download_changed(self, event: "DownloadEvent") -> None:
        from sidecar.methods.models import notification

        self._post(*notification(event), subject=event.model_id)

    def _models_changed(self) -> None:
        self._later(self._tell_of_assignments())

    def _engine_changed(self, status: "EngineStatus") -> None:
        from sidecar.methods.engine import as_message
        from sidecar.protocol.engine import STATUS_CHANGED

        self._post(STATUS_CHANGED, as_message(status))

    def _opened(self, settings: Sequence["Setting"], left: list[tuple[str, str]]) -> None:
        """The database is open: at the start, or when it could not be opened then and somebody needed it. `left` are
        the answers that the process before this one left unfinished."""
        self._left = left
        self._set = {setting.key: setting.value for setting in settings}
        if "engine" in vars(self):
            self._configure(self.engine)
        if self.database.recovery:
            self._tell_of_store()

    def _take_left(self) -> Sequence[tuple[str, str]]:
        left, self._left = self._left, []
        return left

    def _tell_of_store(self) -> None:
        from sidecar.methods.store import as_message
        from sidecar.protocol.store import STATUS_CHANGED

        self._post(STATUS_CHANGED, as_message(self.database))

    def _setting_changed(self, setting: "Setting") -> None:
        from sidecar.methods.settings import as_message
        from sidecar.protocol.settings import CHANGED

        self._set[setting.key] = setting.value
        if "engine" in vars(self):
            self._configure(self.engine)
        self._post(CHANGED, as_message(setting), subject=setting.key)

    def _configure(self, engine: "Engine") -> None:
        from sidecar.settings import DEFINITIONS

        chosen = {key: definition.default for key, definition in DEFINITIONS.items()} | self._set
        engine.configure(
            budget_bytes=self._options.budget_bytes or chosen["memoryBudgetBytes"],
            rest_seconds=chosen["restSeconds"] or 0,
            unload_seconds=(chosen["unloadMinutes"] or 0) * 60,
            background_pixels=chosen["backgroundPixels"] or 0,
        )

    def _providers_changed(self) -> None:
        self._later(self._tell_of_providers())
        self._check_unload()  # jobs of what was removed are the built-in model's again

    def _assigned(self) -> None:
        self._later(self._tell_of_assignments())
        self._check_unload()

    def _check_unload(self) -> None:
        if "engine" in vars(self):
            self._later(self.unload_check.check_and_unload_if_unused())

    async def _tell_of_providers(self) -> None:
        from sidecar.methods.providers import as_message
        from sidecar.protocol.providers import CHANGED

        self._post(CHANGED, as_message(await self.providers.list(), self.providers))
        await self._tell_of_assignments()

    async def _tell_of_assignments(self) -> None:
        from sidecar.methods.capabilities import as_message
        from sidecar.protocol.capabilities import CHANGED

        self._post(CHANGED, as_message(await self.assignments.list()))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """Done beside what the caller answers."""

        async def guarded() -> None:
            try:
                await work
            except (StoreError, DiskFull) as error:
                log.warning("the database failed in the background: %s", error)

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
