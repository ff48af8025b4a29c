"""A proxy's password: told in the handshake, shown to the proxy, and to nobody else."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.hub.proxy import Proxy
from tests.pipe import Pipe, RpcError

PASSWORD = "the-password-of-the-proxy"
HANDSHAKE = {"protocolVersion": 1, "client": {"name": "tests", "version": "1"}}


def test_a_proxy_of_the_handshake_is_used_with_its_password_which_no_environment_has(data_dir: Path) -> None:
    with Proxy() as proxy, Pipe.sidecar(data_dir) as sidecar:
        address = proxy.url.replace("//", f"//ann:{PASSWORD}@")
        sidecar.request("initialize", {**HANDSHAKE, "proxies": {"https_proxy": address}})
        provider = sidecar.request("providers/create", {"name": "far", "baseUrl": "https://far.example/v1"})["provider"]
        with pytest.raises(RpcError) as refused:
            sidecar.request("providers/models", {"providerId": provider["id"]})
        assert proxy.asked[-1].startswith("CONNECT far.example:443")
        assert proxy.shown[-1] == "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
        assert PASSWORD not in str(refused.value.data)
        assert PASSWORD.encode() not in Path(f"/proc/{sidecar.process.pid}/environ").read_bytes()
        assert not [path for path in data_dir.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
        assert PASSWORD not in sidecar.stderr


def test_only_variables_of_proxies_are_taken_and_a_refusal_does_not_repeat_them(data_dir: Path) -> None:
    with Pipe.sidecar(data_dir) as sidecar:
        for proxies in ({"PATH": PASSWORD}, {"https_proxy": [PASSWORD]}, {"https_proxy": PASSWORD * 1000}):
            with pytest.raises(RpcError) as refused:
                sidecar.request("initialize", {**HANDSHAKE, "proxies": proxies})
            assert refused.value.kind == "invalid_params"
            assert PASSWORD not in f"{refused.value} {refused.value.data}"
        assert PASSWORD not in (data_dir / "logs/sidecar.log").read_text()
