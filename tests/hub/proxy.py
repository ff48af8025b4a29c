"""Proxies on loopback, HTTP and SOCKS: they log what they are asked for, and tunnel to one place
whatever name that was."""

import contextlib
import socket
import socketserver
import threading
from types import TracebackType
from typing import Self, cast


class Proxy:
    """A running proxy. Use it as a context manager; `asked` are the first lines of its requests, `shown` the passwords
    that they had, in order."""

    def __init__(self, target: tuple[str, int] | None = None) -> None:
        """`target` is where a CONNECT leads; without one it is answered 502."""
        self.target = target
        self.asked: list[str] = []
        self.shown: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Tunnel)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="proxy", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class SocksProxy(Proxy):
    """The same for SOCKS 5; `asked` are the names and ports."""

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__(target)
        self._server.RequestHandlerClass = _Socks

    @property
    def url(self) -> str:
        return super().url.replace("http://", "socks5://")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    proxy: Proxy


class _Tunnel(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        proxy = cast(_Server, self.server).proxy
        proxy.asked.append(self.rfile.readline().decode().strip())
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            if name.lower() == "proxy-authorization":
                proxy.shown.append(value.strip())
        if proxy.target is None:
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(proxy.target) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _tunnel(self.connection, there)


class _Socks(socketserver.StreamRequestHandler):
    """RFC 1928, for who names no user and connects to a name."""

    def handle(self) -> None:
        proxy = cast(_Server, self.server).proxy
        version, methods = self.rfile.read(2)
        self.rfile.read(methods)
        self.wfile.write(b"\x05\x00")
        assert version == 5
        assert self.rfile.read(4) == b"\x05\x01\x00\x03"
        name = self.rfile.read(self.rfile.read(1)[0]).decode()
        proxy.asked.append(f"{name}:{int.from_bytes(self.rfile.read(2))}")
        assert proxy.target is not None
        with socket.create_connection(proxy.target) as there:
            self.wfile.write(b"\x05\x00\x00\x01" + bytes(6))
            _tunnel(self.connection, there)


def _tunnel(here: socket.socket, there: socket.socket) -> None:
    back = threading.Thread(target=_pass_on, args=(there, here), daemon=True)
    back.start()
    _pass_on(here, there)
    back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
