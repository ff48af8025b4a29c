"""`python -m tests.bench.attackers NAME PORT`: a program that attacks the proxy in one way until its stdin ends. The
first line of that is the token, as some attack with a right one.

Its stdout says `begun` at the first effect, `enough` when the attack has done what it is counted for, and in the end,
as JSON, how often each effect came: a status of the proxy's, or what a function here says."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

CHAT = "/v1/chat/completions"
SECONDS = 20.0  # of any wait for the proxy
DRIP_SECONDS = 0.25
CROWD = 10_000
CROWD_SECONDS = 1.0  # that it stays, and that it stays away: meanwhile the other attackers come in
GIGABYTE = 10**9
BLOCK = b"100000\r\n" + bytes(2**20) + b"\r\n"
SMALLEST_SEGMENT = 536  # bytes; with it, and with as little room here, the proxy's system keeps little for the client
CLOSE_BY_RESET = struct.pack("ii", 1, 0)  # no closed connection stays behind and keeps its port for a minute
UNMADE, REFUSED = "not let in", "503"


class Proxy:
    """The proxy under attack, and what came of it."""

    def __init__(self, port: int, token: str, aim: str, least: int) -> None:
        self.over = threading.Event()
        self.effects: Counter[str] = Counter()
        self._address = "127.0.0.1", port
        self._token = token
        self._aim, self._least = aim, least
        self._lock = threading.Lock()
        self._told: set[str] = set()

    def connect(self, *, deaf: bool = False) -> socket.socket:
        connection = socket.socket()
        connection.settimeout(SECONDS)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CLOSE_BY_RESET)
        if deaf:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALLEST_SEGMENT)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        try:
            connection.connect(self._address)
        except OSError:
            connection.close()
            self.came(UNMADE)
            raise
        return connection

    def crowd(self) -> list[socket.socket]:
        """As many connections at once, of which the system makes those that it has room for."""
        crowd = [socket.socket() for _ in range(CROWD)]
        for connection in crowd:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CLOSE_BY_RESET)
            connection.setblocking(False)
            connection.connect_ex(self._address)
        return crowd

    def head(self, *lines: str, path: str = CHAT, host: str = "localhost", token: str | None = None) -> bytes:
        """Of a request, with the right token unless there is another; an empty one is none."""
        shown = self._token if token is None else token
        every = [
            f"POST {path} HTTP/1.1",
            f"Host: {host}",
            *([f"Authorization: Bearer {shown}"] if shown else []),
            *lines,
        ]
        return "\r\n".join([*every, "", ""]).encode()

    def chat(self) -> bytes:
        """A stream that lasts, whose every token is told with twenty others that might have been."""
        asked = {"messages": [{"role": "user", "content": "Tell me"}], "stream": True, "max_tokens": 2000}
        body = json.dumps(asked | {"logprobs": True, "top_logprobs": 20}).encode()
        return self.head(f"Content-Length: {len(body)}", path=f"{CHAT}?priority=10") + body

    def came(self, effect: str, times: int = 1) -> None:
        with self._lock:
            self.effects[effect] += times
            if effect not in (UNMADE, REFUSED):
                self._tell("begun")
            if self.effects[self._aim] >= self._least:
                self._tell("enough")

    def _tell(self, word: str) -> None:
        if word not in self._told:
            self._told.add(word)
            print(word, flush=True)


def drip(proxy: Proxy, start: bytes) -> None:
    """Byte by byte, until the proxy has had enough."""
    with proxy.connect() as connection:
        connection.sendall(start)
        while not select.select([connection], [], [], DRIP_SECONDS)[0]:
            connection.sendall(b"x")
            proxy.came("bytes")
        proxy.came(status(connection))


def half_close(proxy: Proxy, said: bytes) -> None:
    """Says something, and that nothing more will come; then waits for what the proxy makes of that."""
    with proxy.connect() as connection:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(2**16):
            pass
        proxy.came("ended")


def gigabyte(proxy: Proxy, length: str) -> None:
    """Sends it, whatever the proxy says, for as long as that listens."""
    with proxy.connect() as connection:
        connection.sendall(proxy.head(length))
        said = ""
        with suppress(ConnectionError):
            for _ in range(GIGABYTE // len(BLOCK)):
                if not said and select.select([connection], [], [], 0)[0]:
                    said = status(connection)
                    proxy.came(said)
                connection.sendall(BLOCK)
                proxy.came("MB")


def ask(proxy: Proxy, request: bytes) -> None:
    with proxy.connect() as connection:
        connection.sendall(request)
        proxy.came(status(connection))


def gather(proxy: Proxy, _: bytes) -> None:
    crowd = proxy.crowd()
    proxy.over.wait(CROWD_SECONDS)
    proxy.came("asked for", len(crowd))
    for connection in crowd:
        with suppress(OSError):  # it waits still
            connection.getpeername()
            proxy.came("made")
        connection.close()
    proxy.over.wait(CROWD_SECONDS)


def never_read(proxy: Proxy, request: bytes) -> None:
    """Sees only that it was answered; leaves when its request has long been given up, and comes again."""
    with proxy.connect(deaf=True) as connection:
        connection.sendall(request)
        said = status(connection)
        proxy.came(said)
        if said != REFUSED:
            proxy.over.wait(2 * SECONDS)


def status(connection: socket.socket) -> str:
    """That of the answer, which stays unread; "cut off" without one."""
    return connection.recv(12, socket.MSG_PEEK).decode()[9:] or "cut off"


@dataclass(frozen=True)
class Attack:
    """`step` is made again and again by so many threads, with one `what` each in turn. It is counted for `least`
    effects called `aim`."""

    step: Callable[[Proxy, bytes], None]
    what: Callable[[Proxy], list[bytes]]
    threads: int
    aim: str
    least: int


ATTACKS = {
    "slow heads": Attack(drip, lambda _: [b"GET /health HTTP/1.1\r\nHost: local"], 12, "408", 4),
    "slow bodies": Attack(drip, lambda proxy: [proxy.head(f"Content-Length: {2**20}") + b"{"], 6, "bytes", 100),
    "crowds": Attack(gather, lambda _: [b""], 1, "asked for", CROWD),
    "half-closed": Attack(half_close, lambda proxy: [proxy.chat(), b"GET /hea", b""], 6, "ended", 20),
    "bodies of 1 GB": Attack(
        lambda proxy, length: gigabyte(proxy, length.decode()),
        lambda _: [f"Content-Length: {GIGABYTE}".encode(), b"Transfer-Encoding: chunked"],
        4,
        "413",
        4,
    ),
    "tokens": Attack(ask, lambda proxy: [proxy.head(token="kf-wrong"), proxy.head(token="")], 2, "401", 20),
    "foreign hosts": Attack(ask, lambda proxy: [proxy.head(host="evil.example")], 2, "403", 20),
    "HTTP/1.0": Attack(
        ask,
        lambda proxy: [proxy.head(path="/v1/models").replace(b"POST", b"GET").replace(b"HTTP/1.1", b"HTTP/1.0")],
        2,
        "200",
        20,
    ),
    "chunked garbage": Attack(
        ask,
        lambda proxy: [
            proxy.head("Transfer-Encoding: chunked") + rest
            for rest in (b"ZZZ\r\n", b"5\r\nhelloXX", b"FFFFFFFFFFFFFFFFF\r\n", os.urandom(64) + b"\r\n")
        ],
        2,
        "400",
        20,
    ),
    "never reading": Attack(never_read, lambda proxy: [proxy.chat()], 12, "200", 8),
}


def run(name: str, port: int) -> None:
    attack = ATTACKS[name]
    proxy = Proxy(port, sys.stdin.readline().strip(), attack.aim, attack.least)
    what = attack.what(proxy)

    def go_on(thread: int) -> None:
        turn = thread
        while not proxy.over.is_set():
            # Reset or given up: the proxy is attacked, and whoever is not let in comes again.
            with suppress(OSError):
                attack.step(proxy, what[turn % len(what)])
            turn += 1

    for thread in range(attack.threads):
        threading.Thread(target=go_on, args=(thread,), daemon=True).start()
    sys.stdin.read()
    proxy.over.set()
    print(json.dumps(proxy.effects), flush=True)


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]))
