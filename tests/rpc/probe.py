"""`python -m tests.rpc.probe`: the sidecar's own pipe, process and log, serving methods that misbehave on purpose."""

import asyncio
import ctypes
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from pydantic import model_validator

from sidecar.rpc import stdio

if __name__ == "__main__":
    PIPE = stdio.claim()

from sidecar.data_folder import DataFolder
from sidecar.methods import core
from sidecar.process import Options, Post, run
from sidecar.protocol.message import Message, Method, NoParams, NoResult, Notification
from sidecar.rpc.dispatch import Bound, Call, Namespace

TURNS = 5  # of the event loop, until a chat is settled
LATE_TURNS = 1000  # of it, which nothing goes through by the way


class Size(Message):
    bytes: int


class Flood(Message):
    count: int
    bytes: int


class Text(Message):
    text: str


class Count(Message):
    count: int


class Looked(Message):
    """`thread` is where it was looked at."""

    text: str
    thread: str = ""

    @model_validator(mode="after")
    def _look(self) -> Self:
        object.__setattr__(self, "thread", self.thread or threading.current_thread().name)
        return self


class Moment(Message):
    seconds: float


class Chat(Message):
    priority: int = 10
    hangs: bool = False


class Anything(Message):
    call: str = ""
    self: str = ""


ECHO = Method("probe/echo", Text, Text, "Answers with the same text", ())
LONG = Method("probe/long", Size, Text, "Answers with a text of that length", ())
LONG_NOTE = Method("probe/longNote", Size, NoResult, "Notifies a text of that length", ())
LOOKED = Method("probe/looked", Looked, Text, "On which thread its params were looked at", ())
ARRIVED = Method("probe/arrived", NoParams, Moment, "When its line was whole", ())
FULL_LOOKS = Method("probe/fullLooks", NoParams, Count, "How often all was looked through for garbage", ())
HANG = Method("probe/hang", NoParams, NoResult, "Never ends by itself", ())
FINISH = Method("probe/finish", Text, NoResult, "Notifies that text once a hanging request has ended", ())
HANGS_ENDED = Method("probe/hangsEnded", NoParams, Count, "How many hanging requests were cleaned up", ())
BLOCK = Method("probe/block", NoParams, NoResult, "Blocks the event loop for a minute", ())
FAIL = Method("probe/fail", Text, NoResult, "Raises an exception with that text", ())
FAIL_LATER = Method("probe/failLater", Text, NoResult, "Has a call-back of the loop raise, with that text", ())
UNWRITABLE = Method("probe/unwritable", NoParams, Text, "Answers with a text that is not UTF-8", ())
WRONG = Method("probe/wrong", NoParams, Count, "Answers what it should not", ())
PRINT = Method("probe/print", NoParams, NoResult, "Prints from Python, C and a child", ())
FLOOD = Method("probe/flood", Flood, Count, "Notifies that many texts of that length", ())
FLOODED = Method("probe/flooded", NoParams, Count, "How many of them are on their way", ())
STATES = Method("probe/states", Count, NoResult, "Posts that many states from another thread", ())
CHAT = Method("chat/completions", Chat, Count, "Answers how many were settled before it", ())
ODD_NAMES = Method("probe/oddNames", Anything, NoResult, "Has params called like Python's own names", ())

NOTE = Notification("probe/note", Text, "A text")
STATE = Notification("probe/state", Count, "A state", state=True)


class Probe:
    """The application that is served."""

    def __init__(self, _folder: DataFolder, _options: Options, post: Post, leave: Callable[[], None]) -> None:
        self._post = post
        self._leave = leave
        self._flooded = 0
        self._hangs_ended = 0
        self._hang_ended = asyncio.Event()
        self._settled = 0

    def namespaces(self) -> Mapping[str, Namespace]:
        own = {bound.method.name: self._bind for bound in self._bind()}
        pipes = dict.fromkeys(("ping", "shutdown", "rpc.discover"), self._core)
        return {**pipes, **own}

    async def open(self) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing is kept."""

    def _core(self) -> Sequence[Bound[Any, Any]]:
        return core.bind(leave=self._leave)

    def _bind(self) -> Sequence[Bound[Any, Any]]:
        return (
            Bound(ECHO, self._echo),
            Bound(LONG, self._long),
            Bound(LONG_NOTE, self._long_note),
            Bound(LOOKED, self._looked),
            Bound(ARRIVED, self._arrived),
            Bound(FULL_LOOKS, self._full_looks),
            Bound(HANG, self._hang),
            Bound(FINISH, self._finish, finishes=True),
            Bound(HANGS_ENDED, self._count_hangs_ended),
            Bound(BLOCK, self._block),
            Bound(FAIL, self._fail),
            Bound(FAIL_LATER, self._fail_later),
            Bound(UNWRITABLE, self._unwritable),
            Bound(WRONG, self._wrong),
            Bound(PRINT, self._print),
            Bound(FLOOD, self._flood),
            Bound(FLOODED, self._count_flooded),
            Bound(STATES, self._states),
            Bound(CHAT, self._chat),
            Bound(ODD_NAMES, self._odd_names),
        )

    async def _echo(self, params: Text, _call: Call) -> Text:
        return params

    async def _long(self, params: Size, _call: Call) -> Text:
        return Text(text="x" * params.bytes)

    async def _long_note(self, params: Size, call: Call) -> NoResult:
        await call.notify(NOTE, Text(text="x" * params.bytes))
        return NoResult()

    async def _looked(self, params: Looked, _call: Call) -> Text:
        return Text(text=params.thread)

    async def _arrived(self, _params: NoParams, call: Call) -> Moment:
        return Moment(seconds=call.arrived)

    async def _full_looks(self, _params: NoParams, _call: Call) -> Count:
        return Count(count=gc.get_stats()[2]["collections"])

    async def _hang(self, _params: NoParams, _call: Call) -> NoResult:
        try:
            await asyncio.Event().wait()
        finally:
            self._hangs_ended += 1
            self._hang_ended.set()
        return NoResult()

    async def _finish(self, params: Text, call: Call) -> NoResult:
        await self._hang_ended.wait()
        for _ in range(LATE_TURNS):
            await asyncio.sleep(0)
        await call.notify(NOTE, params)
        return NoResult()

    async def _count_hangs_ended(self, _params: NoParams, _call: Call) -> Count:
        return Count(count=self._hangs_ended)

    async def _block(self, _params: NoParams, call: Call) -> NoResult:
        await call.notify(NOTE, Text(text="blocking"))
        await asyncio.sleep(0.05)  # the writer thread gets the note out
        time.sleep(60)  # noqa: ASYNC251 - to block the loop is what it is for
        return NoResult()

    async def _fail(self, params: Text, _call: Call) -> NoResult:
        raise RuntimeError(params.text)

    async def _fail_later(self, params: Text, _call: Call) -> NoResult:
        def fail(text: str) -> None:
            raise RuntimeError(text)

        asyncio.get_running_loop().call_soon(fail, params.text)
        return NoResult()

    async def _unwritable(self, _params: NoParams, _call: Call) -> Text:
        return Text(text=os.fsdecode(b"\xff"))

    async def _wrong(self, _params: NoParams, _call: Call) -> Count:
        return Text(text="not a count")  # type: ignore[return-value]

    async def _print(self, _params: NoParams, _call: Call) -> NoResult:
        print("from Python", flush=True)
        sys.__stdout__.write("from Python's first stdout\n")  # type: ignore[union-attr]
        os.write(1, b"to fd 1\n")
        c = ctypes.CDLL(None)
        c.puts(b"from C")
        c.fflush(None)
        child = await asyncio.create_subprocess_exec("sh", "-c", "echo from a child; cat")
        await child.wait()  # cat ends, because stdin is empty
        return NoResult()

    async def _flood(self, params: Flood, call: Call) -> Count:
        for _ in range(params.count):
            await call.notify(NOTE, Text(text="x" * params.bytes))
            self._flooded += 1
        return Count(count=params.count)

    async def _count_flooded(self, _params: NoParams, _call: Call) -> Count:
        return Count(count=self._flooded)

    async def _states(self, params: Count, _call: Call) -> NoResult:
        def post() -> None:
            for count in range(1, params.count + 1):
                self._post(STATE, Count(count=count), subject="one")

        thread = threading.Thread(target=post)
        thread.start()
        thread.join()
        return NoResult()

    async def _chat(self, params: Chat, call: Call) -> Count:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        before, self._settled = self._settled, self._settled + 1
        call.settle()
        if params.hangs:
            await asyncio.Event().wait()
        return Count(count=before)

    async def _odd_names(self, _params: Anything, _call: Call) -> NoResult:
        return NoResult()


if __name__ == "__main__":
    run(PIPE, os.getppid(), Probe)
