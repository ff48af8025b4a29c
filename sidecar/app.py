"""The composition root: builds the parts when they are first needed, gives each its paths, and binds the methods."""

import argparse
import asyncio
import faulthandler
import gc
import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from sidecar import __version__, protocol
from sidecar.data_folder import DataFolder
from sidecar.errors import DataFolderInUse
from sidecar.protocol.core import CANCEL_REQUEST, INITIALIZE, InitializeParams, InitializeResult, Party
from sidecar.protocol.message import Notification, Params
from sidecar.rpc import log as json_log
from sidecar.rpc.dispatch import Bound, Dispatcher, Namespace
from sidecar.rpc.lifeline import Lifeline
from sidecar.rpc.server import Server
from sidecar.rpc.transport import LineWriter, TooLong, start_reading

if TYPE_CHECKING:
    from sidecar.engine import Engine, EngineStatus
    from sidecar.models import Catalog, DownloadEvent, Models
    from sidecar.routing import Router

FLUSH_SECONDS = 0.5

log = logging.getLogger(__name__)


class ExitCode(IntEnum):
    """What the shell learns from the end of the process; the numbers are those of sysexits.h."""

    ASKED_TO_LEAVE = 0
    CRASHED = 1
    BAD_ARGUMENTS = 64
    DATA_FOLDER_IN_USE = 75


class Post(Protocol):
    """Has a notification sent in its turn, from any thread; `subject` is what a newer state replaces an older of."""

    def __call__(self, notification: Notification[Params], params: Params, subject: str = "") -> None: ...


class Application(Protocol):
    """What is served."""

    def namespaces(self) -> Mapping[str, Namespace]:
        """Each method's name, and what binds the methods of its namespace when one of them is first called."""

    async def close(self) -> None:
        """Leaves everything in order. What takes longer than the lifeline's grace is cut off."""


Compose = Callable[[DataFolder, Path | None, Post, Callable[[], None]], Application]
"""Builds the application from its data folder, its catalog, the way out for its notifications, and the one to leave.

A ValueError says that the arguments are wrong.
"""


class App:
    """Knowledge Focus. Its parts know each other only through here."""

    def __init__(self, folder: DataFolder, catalog: Path | None, post: Post, leave: Callable[[], None]) -> None:
        self._folder = folder
        self._catalog_file = catalog
        self._post = post
        self._leave = leave
        if catalog:  # read now, so that a wrong one is refused at the start
            _ = self.catalog

    @cached_property
    def catalog(self) -> "Catalog":
        from sidecar.models import Catalog

        return Catalog.load(self._catalog_file)

    @cached_property
    def models(self) -> "Models":
        from sidecar.models import Models

        return Models(root=self._folder.builtin_models, catalog=self.catalog, notify=self._download_changed)

    @cached_property
    def engine(self) -> "Engine":
        from sidecar.engine import Engine

        return Engine(attachments=self._folder.attachments, cache=self._folder.cache, on_status=self._engine_changed)

    @cached_property
    def router(self) -> "Router":
        from sidecar.routing import Router

        return Router(self.catalog, self.models, self.engine)

    def namespaces(self) -> Mapping[str, Namespace]:
        binders = {
            "sidecar.protocol.core": self._core,
            "sidecar.protocol.chat": self._chat,
            "sidecar.protocol.models": self._models,
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

        return models.bind(models=self.models, engine=self.engine)

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


class Arguments(argparse.ArgumentParser):
    """The command line."""

    def __init__(self) -> None:
        super().__init__(prog="sidecar", description="Serves JSON-RPC 2.0 on stdin and stdout.", allow_abbrev=False)
        self.add_argument("--data-dir", type=Path, required=True, help="the folder that everything is kept in")
        self.add_argument("--catalog", type=Path, help="a JSON file of built-in models; default: the shipped one")

    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.BAD_ARGUMENTS, f"{self.prog}: {message}\n")


def run(pipe: tuple[int, int], parent: int, compose: Compose) -> NoReturn:
    """Serves on `pipe` (the descriptors to read and to write) until it ends or the process `parent` does.

    Leaves by `os._exit` after its flushes: threads that used MLX abort an ordinary exit about every second time.
    """
    gc.freeze()
    gc.enable()
    faulthandler.enable()
    os.umask(0o077)
    parser = Arguments()
    arguments = parser.parse_args()
    folder = DataFolder(arguments.data_dir.absolute())
    try:
        folder.prepare()
        folder.lock()
        json_log.start(folder.logs)
    except DataFolderInUse as error:
        parser.exit(ExitCode.DATA_FOLDER_IN_USE, f"{parser.prog}: {error}\n")
    except (OSError, ValueError) as error:
        parser.error(str(error))
    threading.excepthook = _log_thread_error
    try:
        asyncio.run(_serve(pipe, parent, folder, arguments.catalog, compose))
    except Exception:
        log.exception("crashed")
    os._exit(ExitCode.CRASHED)


async def _serve(
    pipe: tuple[int, int], parent: int, folder: DataFolder, catalog: Path | None, compose: Compose
) -> NoReturn:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_loop_error)
    leaving = asyncio.Event()

    def on_leave() -> None:
        loop.call_soon_threadsafe(leaving.set)

    lifeline = Lifeline(on_leave, parent)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lifeline.leave)

    def post(notification: Notification[Params], params: Params, subject: str = "") -> None:
        server.post(notification, params, subject)

    def initialize(_params: InitializeParams) -> InitializeResult:
        return InitializeResult(
            protocol_version=protocol.PROTOCOL_VERSION,
            server=Party(name="knowledge-focus-sidecar", version=__version__),
            data_dir=str(folder.path),
            pid=os.getpid(),
            methods=[INITIALIZE.name, CANCEL_REQUEST.name, *dispatcher.methods],
        )

    def on_line(line: bytes | TooLong) -> None:
        loop.call_soon_threadsafe(server.receive, line)

    try:
        app = compose(folder, catalog, post, lifeline.leave)
    except ValueError as error:
        Arguments().error(str(error))
    dispatcher = Dispatcher(app.namespaces())
    incoming, outgoing = pipe
    writer = LineWriter(outgoing, loop, on_broken=lifeline.leave)
    server = Server(writer, dispatcher, initialize)
    log.info("started", extra={"version": __version__, "pid": os.getpid()})
    start_reading(incoming, on_line, on_end=lifeline.leave)

    await leaving.wait()
    await server.close()
    await app.close()
    writer.flush(FLUSH_SECONDS)
    log.info("left")
    logging.shutdown()
    # From inside the loop: asyncio.run would wait for threads that may compute for long.
    os._exit(ExitCode.ASKED_TO_LEAVE)


def _log_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    log.error("error in the event loop", exc_info=context.get("exception"), extra={"what": context["message"]})


def _log_thread_error(args: threading.ExceptHookArgs) -> None:
    log.error("error in a thread", exc_info=args.exc_value, extra={"thread": args.thread and args.thread.name})
