import os
from pathlib import Path

import pytest

from sidecar.protocol import MODULES
from tests.pipe import Pipe, RpcError

PARTY = {"name": "tests", "version": "1"}


@pytest.mark.parametrize("method", ["ping", "shutdown", "models/list", "no/such"])
def test_whatever_comes_before_the_handshake_is_refused_and_the_handshake_still_works(
    fresh_sidecar: Pipe, method: str
) -> None:
    with pytest.raises(RpcError) as caught:
        fresh_sidecar.request(method)
    assert (caught.value.code, caught.value.kind) == (-32002, "not_initialized")
    fresh_sidecar.initialize()
    assert fresh_sidecar.request("ping") == {"pong": True}


def test_the_handshake_tells_who_serves_what_from_where(fresh_sidecar: Pipe, data_dir: Path) -> None:
    answer = fresh_sidecar.initialize()
    assert answer["protocolVersion"] == 1
    assert answer["server"]["name"] == "knowledge-focus-sidecar"
    assert answer["dataDir"] == str(data_dir)
    assert answer["pid"] == fresh_sidecar.process.pid
    assert sorted(answer["methods"]) == sorted(MODULES)


def test_a_second_handshake_is_refused_and_the_session_goes_on(sidecar: Pipe) -> None:
    with pytest.raises(RpcError) as caught:
        sidecar.initialize()
    assert caught.value.kind == "already_initialized"
    assert sidecar.request("ping") == {"pong": True}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"protocolVersion": 2, "client": PARTY},
        {"protocolVersion": "1", "client": PARTY},
        {"protocolVersion": 1, "client": {"name": "tests"}},
        {"protocolVersion": 1, "client": PARTY, "locale": 7},
    ],
    ids=["empty", "other version", "version as text", "client without a version", "locale is a number"],
)
def test_a_handshake_that_does_not_fit_may_be_tried_again(fresh_sidecar: Pipe, params: dict[str, object]) -> None:
    with pytest.raises(RpcError) as caught:
        fresh_sidecar.request("initialize", params)
    assert caught.value.kind == "invalid_params"
    fresh_sidecar.initialize()
    assert fresh_sidecar.request("ping") == {"pong": True}


def test_discovery_gives_the_contract_of_every_method(sidecar: Pipe) -> None:
    document = sidecar.request("rpc.discover")
    assert [method["name"] for method in document["methods"]] == list(MODULES)
    assert all(method["x-callers"] for method in document["methods"])


def test_the_first_ping_imports_nothing_heavy(sidecar: Pipe) -> None:
    sidecar.request("ping")
    maps = Path(f"/proc/{sidecar.process.pid}/maps")
    if not os.access(maps, os.R_OK):
        pytest.skip("needs /proc to see what is loaded")
    loaded = maps.read_text()
    assert "pydantic_core" in loaded
    assert not [name for name in ("mlx", "numpy", "PIL", "tokenizers") if f"/{name}/" in loaded]
