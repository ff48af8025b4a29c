"""A host with several addresses is reached at the one that answers, within the time for one connection."""

import contextlib
import socket
from collections.abc import Iterator

import httpcore2
import pytest

from sidecar.models import Models
from sidecar.models.connecting import SharedTime, in_turn
from tests.hub import Hub
from tests.unit.models.conftest import Recorder

Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]


def found(*addresses: str) -> list[Found]:
    """What `getaddrinfo` says of a host with these addresses."""
    return [
        (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))
        for address in addresses
    ]


def named(monkeypatch: pytest.MonkeyPatch, name: str, *addresses: str) -> None:
    """Has this name mean these addresses."""
    asked = socket.getaddrinfo

    def answer(host: str, *rest: object, **options: object) -> object:
        return found(*addresses) if host == name else asked(host, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of two addresses of this computer, 127.0.0.2 and 127.0.0.3, where nobody ever takes a connection."""
    with contextlib.ExitStack() as stack:
        port = 0
        for address in ("127.0.0.2", "127.0.0.3"):
            try:
                server = stack.enter_context(socket.create_server((address, port), backlog=0))
            except OSError:
                pytest.skip("this computer has one address only")
            port = server.getsockname()[1]
            for _ in range(4):  # Those beyond the queue are dropped, as by a firewall.
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((address, port))
        yield port


def test_both_kinds_of_addresses_take_turns() -> None:
    assert in_turn(found("::1", "::2", "::3", "192.0.2.1")) == ["::1", "192.0.2.1", "::2", "::3"]
    assert in_turn(found("192.0.2.1", "192.0.2.2", "::1")) == ["192.0.2.1", "::1", "192.0.2.2"]


def test_addresses_that_nobody_answers_at_share_the_time_of_one_connection(
    silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, "mirror.example", "127.0.0.2", "127.0.0.3")
    shares: list[float | None] = []
    connect = httpcore2.SyncBackend.connect_tcp

    def noted(backend: httpcore2.SyncBackend, host: str, port: int, timeout: float | None, *rest: object) -> object:
        shares.append(timeout)
        return connect(backend, host, port, timeout, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", noted)
    with pytest.raises(httpcore2.ConnectTimeout):
        SharedTime().connect_tcp("mirror.example", silent, timeout=0.4)
    first, second = shares
    assert first is not None
    assert second is not None
    assert first <= 0.2
    assert second <= 0.4  # all that the first one left


def test_a_name_that_nobody_knows_is_a_failure_to_connect() -> None:
    with pytest.raises(httpcore2.ConnectError):
        SharedTime().connect_tcp("nowhere.invalid", 443, timeout=1)


async def test_a_mirror_whose_first_addresses_refuse_is_reached_at_another(
    models: Models, recorder: Recorder, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, "localhost", "::1", "127.0.0.2", "127.0.0.1")
    await models.download(mirror=hub.url.replace("127.0.0.1", "localhost"))
    assert (await recorder.end()).status == "completed"
