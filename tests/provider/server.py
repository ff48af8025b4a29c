"""The server: one thread for each connection."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast

from tests.provider.replies import Reply, status

POLL_SECONDS = 0.02


@dataclass
class Seen:
    """One request. `gone` says that the client hung up before its answer was over, `done` that the answer was sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    gone: bool = False
    done: bool = False


@dataclass
class Provider:
    """Serves under `url`; `log` is what was asked, `connections` how many are open. Replies are given one after the
    other, the last one for ever."""

    log: list[Seen] = field(init=False, default_factory=list)
    connections: int = field(init=False, default=0)
    _replies: list[Reply] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.changed = threading.Condition()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.provider = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True)

    @property
    def url(self) -> str:
        """What `/chat/completions` is appended to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def far_url(self) -> str:
        """The same by an address that reaches this computer and is no loopback address: it counts as another one's."""
        return self.url.replace("127.0.0.1", "0.0.0.0")

    @property
    def bodies(self) -> list[Any]:
        """The JSON bodies of all requests."""
        with self.changed:
            return [seen.body for seen in self.log]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def will(self, *replies: Reply) -> None:
        """Say what the next requests are answered."""
        with self.changed:
            self._replies = list(replies)

    def wait_until(self, condition: Callable[[], bool], timeout: float = 10) -> None:
        """Block until the log makes `condition` true.

        Raises:
            TimeoutError: it did not within `timeout` seconds.
        """
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                raise TimeoutError(f"the server did not get there within {timeout} s: {self.log}")

    def answer(self, seen: Seen) -> Reply:
        """What to send; the request is logged."""
        with self.changed:
            self.log.append(seen)
            self.changed.notify_all()
            if len(self._replies) > 1:
                return self._replies.pop(0)
            return self._replies[0] if self._replies else status(404, "nothing was prepared")

    def note(self, seen: Seen, *, gone: bool = False) -> None:
        """How the answer came to its end."""
        with self.changed:
            seen.gone, seen.done = seen.gone or gone, not gone
            self.changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    provider: Provider

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is what many tests are about; it is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "TestProvider"
    sys_version = ""
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        """The log is `Provider.log`."""

    def setup(self) -> None:
        super().setup()
        self._count(1)

    def finish(self) -> None:
        self._count(-1)
        super().finish()

    def _count(self, change: int) -> None:
        provider = cast(_Server, self.server).provider
        with provider.changed:
            provider.connections += change
            provider.changed.notify_all()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        provider = cast(_Server, self.server).provider
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, self.path, headers, json.loads(raw) if raw else None)
        reply = provider.answer(seen)
        try:
            self._send(provider, seen, reply)
        except OSError:
            self.close_connection = True
            provider.note(seen, gone=True)

    def _send(self, provider: Provider, seen: Seen, reply: Reply) -> None:
        if reply.answers:
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Transfer-Encoding": "chunked"}.items():
                self.send_header(name, value)
            self.end_headers()
            for index, part in enumerate(reply.parts):
                if index and reply.gate is not None:
                    self._wait(provider, reply.gate)
                if index and reply.pause and provider.closing.wait(reply.pause):
                    break
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        if reply.end == "silence":
            self.close_connection = True
            self._wait(provider, provider.closing)
        elif reply.end == "cut":
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif reply.answers:
            self.wfile.write(b"0\r\n\r\n")
        provider.note(seen)

    def _wait(self, provider: Provider, gate: threading.Event) -> None:
        """Until the gate is open, the test is over, or the client hangs up.

        Raises:
            ConnectionError: it did.
        """
        self.connection.settimeout(POLL_SECONDS)
        while not gate.is_set() and not provider.closing.is_set():
            try:
                if not self.connection.recv(1, socket.MSG_PEEK):
                    raise ConnectionError("the client hung up")
            except TimeoutError:
                continue
        self.connection.settimeout(None)
