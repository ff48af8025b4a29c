"""A client of the sidecar: starts the real process and talks to it through real pipes.

Every wait is bounded, and what arrives while one waits for something else is kept. Used by the tests and the demo.
"""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Json = dict[str, Any]

ROOT = Path(__file__).parent.parent
MAX_LINE_BYTES = 32 * 2**20
TIMEOUT = 60.0
"""Seconds for anything that should be quick: long enough for a busy machine, and a hang still fails its test."""


class RpcError(Exception):
    """The sidecar answered a request with an error."""

    def __init__(self, error: Json) -> None:
        super().__init__(f"{error['code']} {error['message']} {error.get('data')}")
        self.code: int = error["code"]
        self.data: Json = error.get("data", {})

    @property
    def kind(self) -> str:
        """The stable name of the error."""
        kind: str = self.data["kind"]
        return kind


class PipeEndedError(Exception):
    """The sidecar ended while something was waited for. The message has the end of its stderr."""


class Pipe:
    """One running sidecar."""

    def __init__(self, command: Sequence[str], *, env: dict[str, str] | None = None, reading: bool = True) -> None:
        """Starts `command` in the project's folder. With `reading` False nothing of its stdout is read before
        `start_reading`: a client that is slow."""
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | (env or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self._changed = threading.Condition()
        self._messages: list[Json] = []
        self._taken = 0
        self._strays: list[bytes] = []
        self._errors: list[bytes] = []
        self._ended = False
        self._reading = threading.Event()
        self._threads = [
            threading.Thread(target=target, daemon=True) for target in (self._read_stdout, self._read_stderr)
        ]
        for thread in self._threads:
            thread.start()
        if reading:
            self.start_reading()

    @classmethod
    def sidecar(
        cls, data_dir: Path, catalog: Path | None = None, *arguments: str, module: str = "sidecar", **options: Any
    ) -> Self:
        """Starts the sidecar, without the handshake; `arguments` are more of its own."""
        command = [sys.executable, "-m", module, "--data-dir", str(data_dir)]
        if catalog:
            command += ["--catalog", str(catalog)]
        return cls([*command, *arguments], **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Speaking

    def initialize(self) -> Json:
        """The handshake."""
        return self.request(
            "initialize",
            {"protocolVersion": 1, "client": {"name": "tests", "version": "1"}, "locale": "en"},
        )

    def request(self, method: str, params: Json | None = None, *, timeout: float = TIMEOUT) -> Json:
        """Sends a request and returns its result.

        Raises:
            RpcError: it was answered with an error.
        """
        return self.result(self.send(method, params), timeout=timeout)

    def send(self, method: str, params: Json | None = None, *, request_id: str | int | None = None) -> str | int:
        """Sends a request and returns its id, a fresh UUID unless one is given."""
        if request_id is None:
            request_id = str(uuid.uuid4())
        message = {"jsonrpc": "2.0", "id": request_id, "method": method}
        self.write(message if params is None else message | {"params": params})
        return request_id

    def notify(self, method: str, params: Json) -> None:
        """Sends a notification."""
        self.write({"jsonrpc": "2.0", "method": method, "params": params})

    def cancel(self, request_id: str | int) -> None:
        """Asks for a running request to be cancelled; it still answers."""
        self.notify("$/cancelRequest", {"id": request_id})

    def write(self, message: Json) -> None:
        """Sends one message. A sender refuses its own over-long line."""
        line = json.dumps(message, ensure_ascii=False).encode()
        if len(line) > MAX_LINE_BYTES:
            raise ValueError(f"a line of {len(line)} bytes")
        self.write_bytes(line + b"\n")

    def write_bytes(self, data: bytes) -> None:
        """Sends bytes as they are."""
        assert self.process.stdin
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view) or 0 :]

    # Listening

    def start_reading(self) -> None:
        """Reads the sidecar's stdout from now on."""
        self._reading.set()

    def response(self, request_id: str | int | None, *, timeout: float = TIMEOUT) -> Json:
        """The whole response to a request, or the next one with id null."""
        return self.take(lambda message: "method" not in message and message["id"] == request_id, timeout=timeout)

    def result(self, request_id: str | int, *, timeout: float = TIMEOUT) -> Json:
        """The result of a request.

        Raises:
            RpcError: it was answered with an error.
        """
        response = self.response(request_id, timeout=timeout)
        if "error" in response:
            raise RpcError(response["error"])
        result: Json = response["result"]
        return result

    def notification(self, method: str, *, timeout: float = TIMEOUT) -> Json:
        """The params of the next notification of that name."""
        params: Json = self.take(lambda message: message.get("method") == method, timeout=timeout)["params"]
        return params

    def stream(self, request_id: str | int, *, timeout: float = TIMEOUT) -> Iterator[Json]:
        """The chunks of a streamed chat until it is answered; `result` then has the answer. The time-out is between
        two of them."""

        def of_the_chat(message: Json) -> bool:
            if message.get("method") == "chat/chunk":
                return bool(message["params"]["requestId"] == request_id)
            return "method" not in message and message["id"] == request_id

        while "method" in (message := self.take(of_the_chat, timeout=timeout)):
            chunk: Json = message["params"]["chunk"]
            yield chunk
        with self._changed:
            self._messages.insert(0, message)

    def take(self, wanted: Callable[[Json], bool], *, timeout: float = TIMEOUT) -> Json:
        """The first message that is wanted, from those that came and those that come; the others stay.

        Raises:
            TimeoutError: none came in time.
            PipeEndedError: the sidecar ended first.
        """
        deadline = time.monotonic() + timeout
        seen = taken = 0
        with self._changed:
            while True:
                if taken != self._taken:  # by another thread: what came since may stand where others were seen
                    seen, taken = 0, self._taken
                for index in range(seen, len(self._messages)):
                    if wanted(self._messages[index]):
                        self._taken += 1
                        return self._messages.pop(index)
                seen = len(self._messages)
                if self._ended:
                    raise PipeEndedError(f"the sidecar ended; its stderr: {self.stderr[-2000:]}")
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"not within {timeout} s; there is: {str(self._messages)[:2000]}")

    def kept(self) -> list[Json]:
        """The messages that came and nobody took."""
        with self._changed:
            return list(self._messages)

    @property
    def strays(self) -> list[bytes]:
        """Lines on stdout that are not messages. There must never be one."""
        with self._changed:
            return list(self._strays)

    @property
    def stderr(self) -> str:
        """What the sidecar wrote to stderr until now."""
        return b"".join(self._errors).decode(errors="replace")

    # Leaving

    def close_stdin(self) -> None:
        """Ends the sidecar's stdin: it leaves."""
        assert self.process.stdin
        self.process.stdin.close()

    def wait_for_end(self, *, timeout: float = TIMEOUT) -> None:
        """Waits until nobody holds the other end of stdout: the sidecar has ended, also where it is not our child."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended, timeout):
                raise TimeoutError(f"still there after {timeout} s")

    def exit_code(self, *, timeout: float = TIMEOUT) -> int:
        """Waits until the sidecar has ended."""
        return self.process.wait(timeout)

    def close(self) -> None:
        """Ends the sidecar, by force if it does not leave by itself, and asserts that its stdout was clean."""
        self.start_reading()
        try:
            self.close_stdin()
            self.process.wait(TIMEOUT)
        finally:
            self.process.kill()
            self.process.wait()
            for thread in self._threads:
                thread.join(TIMEOUT)
            for stream in (self.process.stdout, self.process.stderr):
                assert stream
                stream.close()
        assert not self.strays, f"on stdout, between the messages: {self.strays[:3]}"

    def _read_stdout(self) -> None:
        assert self.process.stdout
        self._reading.wait()
        with open(self.process.stdout.fileno(), "rb", closefd=False) as lines:
            for line in lines:
                if line.endswith(b"\n"):  # the last one may have been cut by the sidecar's end
                    self._received(line)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _received(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        with self._changed:
            if isinstance(message, dict):
                self._messages.append(message)
            else:
                self._strays.append(line)
            self._changed.notify_all()

    def _read_stderr(self) -> None:
        assert self.process.stderr
        while data := os.read(self.process.stderr.fileno(), 65536):
            self._errors.append(data)
