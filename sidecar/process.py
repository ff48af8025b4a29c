"""The process: its arguments, its data folder, its pipe, its signals and its end. Whatever application it serves."""

import argparse
import asyncio
import faulthandler
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn, Protocol

from sidecar import __version__
from sidecar.data_folder import DataFolder
from sidecar.errors import DatabaseRefused, DataFolderInUse, EngineFailed, RequestCancelled, SidecarError
from sidecar.protocol import PROTOCOL_VERSION
from sidecar.protocol.core import CANCEL_REQUEST, INITIALIZE, InitializeParams, InitializeResult, Party
from sidecar.protocol.message import Notification, Params
from sidecar.rpc import log as json_log
from sidecar.rpc.dispatch import Dispatcher, Namespace
from sidecar.rpc.lifeline import Lifeline
from sidecar.rpc.server import Server
from sidecar.rpc.transport import Line, LineWriter, start_reading

FLUSH_SECONDS = 0.5
FULL_LOOK_AFTER = 1000
"""Of the looks at younger garbage, how many come before one at all there is. While a thousand of the batch's requests
wait that takes 50 ms in which nobody is served, and Python's own 10 come every few seconds. The engine has one made
whenever it rests."""
TURN_SECONDS = 0.0005
"""How long a thread computes in Python while another one waits to. A person's request goes through five threads; beside
a full pipe, a download and a batch the slowest of 40 waited for 119 ms with Python's own 5 ms, and for 75 so."""

log = logging.getLogger(__name__)


class ExitCode(IntEnum):
    """What the shell learns from the end of the process; the numbers are those of sysexits.h."""

    ASKED_TO_LEAVE = 0
    CRASHED = 1
    BAD_ARGUMENTS = 64
    DATABASE_REFUSED = 65
    ENGINE_HUNG = 70
    DATA_FOLDER_IN_USE = 75


class Post(Protocol):
    """Has a notification sent in its turn, from any thread; `subject` is what a newer state replaces an older of."""

    def __call__(self, notification: Notification[Params], params: Params, subject: str = "") -> None: ...


class Application(Protocol):
    """What is served."""

    def namespaces(self) -> Mapping[str, Namespace]:
        """Each method's name, and what binds the methods of its namespace when one of them is first called."""

    async def open(self) -> None:
        """Makes ready what must be there before the first request.

        Raises:
            DatabaseRefused: what is kept cannot be used, now or later.
        """

    async def close(self) -> None:
        """Leaves everything in order. What takes longer than the lifeline's grace is cut off."""


class Leave(Protocol):
    """Asks the process to end, from any thread; the first one's code counts."""

    def __call__(self, code: int = ExitCode.ASKED_TO_LEAVE) -> None: ...


@dataclass(frozen=True)
class Options:
    """What the command line may say beside the data folder."""

    catalog: Path | None = None
    budget_bytes: int | None = None


Compose = Callable[[DataFolder, Options, Post, Leave], Application]
"""Builds the application from its data folder, its options, the way out for its notifications, and the one to leave.

A ValueError says that the arguments are wrong.
"""


class Arguments(argparse.ArgumentParser):
    """The command line."""

    def __init__(self) -> None:
        super().__init__(prog="sidecar", description="Serves JSON-RPC 2.0 on stdin and stdout.", allow_abbrev=False)
        self.add_argument("--data-dir", required=True, help="the folder that everything is kept in")
        self.add_argument("--catalog", type=Path, help="a JSON file of built-in models; default: the shipped one")
        self.add_argument(
            "--memory-budget",
            type=_gigabytes,
            metavar="GB",
            help="memory for the model and its work; default: a quarter of the computer's, within 3.2 and 12.9",
        )

    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.BAD_ARGUMENTS, f"{self.prog}: {message}\n")


def _gigabytes(text: str) -> int:
    """Bytes.

    Raises:
        ValueError: it is no number that a computer could have.
    """
    if not 0.1 <= (gigabytes := float(text)) <= 1e6:
        raise ValueError
    return int(gigabytes * 1e9)


def run(pipe: tuple[int, int], parent: int, compose: Compose) -> NoReturn:
    """Serves on `pipe` (the descriptors to read and to write) until it ends or the process `parent` does.

    Leaves by `os._exit` after its flushes: threads that used MLX abort an ordinary exit about every second time.
    """
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_LOOK_AFTER)
    gc.enable()
    sys.setswitchinterval(TURN_SECONDS)
    faulthandler.enable()
    os.umask(0o077)
    parser = Arguments()
    arguments = parser.parse_args()
    try:
        folder = DataFolder.named(arguments.data_dir)
        folder.prepare()
        folder.lock()
        json_log.start(folder.logs)
    except DataFolderInUse as error:
        parser.exit(ExitCode.DATA_FOLDER_IN_USE, f"{parser.prog}: {error}\n")
    except (OSError, ValueError) as error:
        parser.error(str(error))
    threading.excepthook = _log_thread_error
    try:
        asyncio.run(_serve(pipe, parent, folder, Options(arguments.catalog, arguments.memory_budget), compose))
    except Exception:
        log.exception("crashed")
    os._exit(ExitCode.CRASHED)


async def _serve(
    pipe: tuple[int, int], parent: int, folder: DataFolder, options: Options, compose: Compose
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

    def initialize(params: InitializeParams) -> InitializeResult:
        # What the HTTP library goes by. What the system shows others is the environment that a process began with.
        for name, address in params.proxies.items():
            os.environ[name] = address
        return InitializeResult(
            protocol_version=PROTOCOL_VERSION,
            server=Party(name="knowledge-focus-sidecar", version=__version__),
            data_dir=str(folder.path),
            pid=os.getpid(),
            methods=[INITIALIZE.name, CANCEL_REQUEST.name, *dispatcher.methods],
        )

    def on_lines(lines: list[Line], arrived: float) -> None:
        loop.call_soon_threadsafe(server.receive, lines, arrived)

    try:
        app = compose(folder, options, post, lifeline.leave)
    except ValueError as error:
        Arguments().error(str(error))
    dispatcher = Dispatcher(app.namespaces())
    incoming, outgoing = pipe
    writer = LineWriter(outgoing, loop, on_broken=lifeline.leave)
    server = Server(writer, dispatcher, initialize)
    log.info("started", extra={"version": __version__, "pid": os.getpid()})
    try:
        await app.open()
    except DatabaseRefused as error:
        log.error("the database is refused: %s", error)
        logging.shutdown()
        sys.stderr.write(f"sidecar: {error}\n")
        sys.stderr.flush()
        os._exit(ExitCode.DATABASE_REFUSED)
    start_reading(incoming, on_lines, on_end=lifeline.leave)

    await leaving.wait()
    await server.close(_why(lifeline.code))
    await app.close()
    writer.flush(FLUSH_SECONDS)
    log.info("left")
    logging.shutdown()
    # From inside the loop: asyncio.run would wait for threads that may compute for long.
    os._exit(lifeline.code)


def _why(code: int) -> SidecarError:
    """What those hear whose requests still run."""
    if code == ExitCode.ENGINE_HUNG:
        return EngineFailed("the engine hangs", reason="hung")
    return RequestCancelled("the process is leaving")


def _log_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # Without asyncio's message: it quotes the call-back's arguments, among them raw lines.
    log.error("error in the event loop", exc_info=context.get("exception"))


def _log_thread_error(args: threading.ExceptHookArgs) -> None:
    log.error("error in a thread", exc_info=args.exc_value, extra={"of_thread": args.thread and args.thread.name})
