"""What no client should send and the proxy leaves to the sidecar, or has to outlast: bodies of a gigabyte are refused,
others are served meanwhile, and the program keeps no memory of them. All else is tested beside the proxy itself
(`crates/openai-proxy`)."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.proxy.serving import SECONDS, Served, serving
from tests.proxy.traffic import CHAT, Client, Ended

GIGABYTE = 10**9
BLOCK = b"100000\r\n" + bytes(2**20) + b"\r\n"
AT_ONCE = 3
FLAT = 5e6  # bytes
MOST_OF_A_BODY = 24 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="a process's peak can be begun anew on Linux only")
@pytest.mark.parametrize(
    ("length", "most_growth"),
    [
        pytest.param(f"Content-Length: {GIGABYTE}", FLAT, id="its length is told"),
        # As much is read as might have become a request.
        pytest.param("Transfer-Encoding: chunked", AT_ONCE * MOST_OF_A_BODY + FLAT, id="its length is not told"),
    ],
)
def test_bodies_of_a_gigabyte_are_refused_take_no_memory_and_hold_nobody_up(
    length: str, most_growth: float, data_dir: Path
) -> None:
    with serving(data_dir) as served, ThreadPoolExecutor(AT_ONCE) as threads:
        assert models(served) == Ended.WELL
        before = memory(served)
        with peak_growing_by(most_growth, served):
            refusals = [threads.submit(refused, served, length) for _ in range(AT_ONCE)]
            assert models(served) == Ended.WELL
            for refusal in refusals:
                assert refusal.result() == 413
        assert memory(served) - before <= FLAT


@pytest.mark.parametrize("stream", [False, True])
def test_half_of_a_surrogate_pair_is_refused_and_holds_nobody_up(data_dir: Path, stream: bool) -> None:
    with serving(data_dir) as served:
        for asked in ({"model": "\ud800"}, {"messages": [{"role": "user", "content": "\ud800"}]}):
            client = Client(served.port, served.token, "")
            client.ask(priority=1, **asked, stream=stream)
            response = client.response()
            assert (response.status, json.loads(response.read())["error"]["code"]) == (400, "parse_error")
            client.leave()


def models(served: Served) -> Ended:
    client = Client(served.port, served.token, "")
    try:
        client.send("GET", "/v1/models")
        return client.ended()
    finally:
        client.leave()


def refused(served: Served, length: str) -> int:
    """The status that a body of a gigabyte gets. It is sent on meanwhile, for as long as somebody listens."""
    lines = [f"POST {CHAT} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {served.token}", length, "", ""]

    def send() -> None:
        with suppress(OSError):  # nobody listens any more
            for _ in range(GIGABYTE // len(BLOCK)):
                connection.sendall(BLOCK)

    with socket.create_connection(("127.0.0.1", served.port), SECONDS) as connection:
        connection.sendall("\r\n".join(lines).encode())
        sending = threading.Thread(target=send)
        sending.start()
        with connection.makefile("rb") as answer:
            status = int(answer.readline().split()[1])
        sending.join()
    return status


def memory(served: Served) -> int:
    rss: int = psutil.Process(served.process.pid).memory_info().rss
    return rss


@contextmanager
def peak_growing_by(most: float, served: Served) -> Iterator[None]:
    process = Path(f"/proc/{served.process.pid}")
    before = memory(served)
    (process / "clear_refs").write_text("5")  # the peak begins anew (proc(5))
    yield
    [peak] = [line.split()[1] for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM:")]
    assert 1024 * int(peak) - before <= most
