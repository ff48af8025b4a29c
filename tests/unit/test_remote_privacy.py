"""Where a provider's key goes, and what else leaves."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sidecar.errors import ProviderError, ProviderRejected, ProxyInvalid
from sidecar.rpc import log as sidecar_log
from tests.hub import Proxy, SocksProxy
from tests.pipe import ROOT
from tests.provider import Provider, replies
from tests.provider.asking import answer, remote, request

KEY = "sk-tested-5f3dA1b2C3d4E5f6G7h8"
NAMES = ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "BASE_URL", "WEBHOOK_SECRET")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says much to OpenAI's SDK."""
    for name in NAMES:
        monkeypatch.setenv(f"OPENAI_{name}", f"leaked-{name}")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: leaked-header\nX-Own: leaked-own")


@pytest.mark.usefixtures("environment")
async def test_without_a_key_nothing_says_who_asks(provider: Provider) -> None:
    provider.will(replies.chat("x"))
    async with remote(provider.url) as asked:
        await answer(asked)
        provider.will(replies.models("m"))
        await asked.models()
    for seen in provider.log:
        assert seen.headers["user-agent"] == "knowledge-focus"
        assert "leaked" not in json.dumps(seen.headers)
        expected = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length"}
        assert set(seen.headers) <= expected


@pytest.mark.usefixtures("environment")
async def test_the_key_is_sent_as_it_was_given(provider: Provider) -> None:
    provider.will(replies.chat("x"))
    async with remote(provider.url, secret=KEY) as asked:
        await answer(asked)
    assert provider.log[0].headers["authorization"] == f"Bearer {KEY}"
    assert "leaked" not in json.dumps(provider.log[0].headers)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_refused_and_the_other_server_hears_nothing(provider: Provider, code: int) -> None:
    with Provider() as other:
        other.will(replies.chat("x"))
        provider.will(replies.Reply(code, {"Location": f"{other.url}/chat/completions"}))
        async with remote(provider.url, secret=KEY) as asked:
            with pytest.raises(ProviderRejected) as raised:
                await answer(asked)
            with pytest.raises(ProviderRejected):
                await asked.models()
        assert raised.value.details["reason"] == "redirect"
        assert raised.value.details["status"] == code
        assert other.log == []


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks4"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_no_proxy_stands_before_this_computer(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, host: str, scheme: str
) -> None:
    provider.will(replies.chat("x"))
    with Proxy() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url.replace("http", scheme))
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
        async with remote(provider.url.replace("127.0.0.1", host)) as asked:
            await answer(asked)
        assert proxy.asked == []


@pytest.mark.parametrize("scheme", ["socks5", "socks"])
async def test_another_computer_is_asked_through_the_socks_proxy_of_the_environment(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    provider.will(replies.chat("x"))
    with SocksProxy(("127.0.0.1", urlsplit(provider.url).port or 0)) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url.replace("socks5", scheme))
        async with remote("http://model.example/v1") as asked:
            await answer(asked)
        assert proxy.asked == ["model.example:80"]


async def test_a_proxy_that_cannot_be_used_is_not_the_servers_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks4://127.0.0.1:1")
    async with remote("http://model.example/v1") as asked:
        with pytest.raises(ProxyInvalid) as raised:
            await answer(asked)
    assert raised.value.details == {"setting": "ALL_PROXY"}


async def test_cookies_are_not_kept(provider: Provider) -> None:
    whole = replies.chat("x")
    provider.will(replies.Reply(200, {**whole.headers, "Set-Cookie": "who=you; Path=/"}, whole.parts))
    async with remote(provider.url) as asked:
        await answer(asked)
        await answer(asked)
    assert "cookie" not in provider.log[1].headers


@pytest.mark.parametrize(
    "words",
    [
        f"bad key {KEY} for you",
        f"Incorrect API key provided: {KEY[:8]}{'*' * 12}{KEY[-4:]}. Find yours.",
        f"bad key {KEY[:10]}... for you",
        f"bad header Bearer {KEY}",
        f"bad key {KEY[10:]} for you",
        "bad key sk-proj-abcDEF123456 of somebody else",
        "bad key 0123456789abcdef0123456789abcdef of somebody else",
        "x" * 490 + " " + KEY,
    ],
)
async def test_the_key_is_cut_out_of_the_servers_words(provider: Provider, words: str) -> None:
    provider.will(replies.status(401, words))
    async with remote(provider.url, secret=KEY) as asked:
        with pytest.raises(ProviderError) as raised:
            await answer(asked)
    said = raised.value.details["said"]
    assert isinstance(said, str)
    assert len(said) <= 500
    told = json.dumps(raised.value.details) + str(raised.value)
    pieces = [KEY[start : start + 6] for start in range(len(KEY) - 5)]
    assert not [piece for piece in pieces if piece in told and piece != "sk-tes"]
    assert "abcDEF" not in said
    assert "0123456789abcdef" not in said


async def test_a_key_that_looks_like_none_is_cut_out_too(provider: Provider) -> None:
    provider.will(replies.status(401, "p@s:w! is wrong"))
    async with remote(provider.url, secret="p@s:w!") as asked:
        with pytest.raises(ProviderError) as raised:
            await answer(asked)
    assert raised.value.details["said"] == "[…] is wrong"


async def test_words_that_look_like_no_key_stay(provider: Provider) -> None:
    words = "The model `Qwen/Qwen2.5-VL-7B-Instruct-AWQ` does not exist: see https://example.com/docs/models"
    provider.will(replies.status(404, words))
    async with remote(provider.url, secret=KEY) as asked:
        with pytest.raises(ProviderRejected) as raised:
            await answer(asked)
    assert raised.value.details["said"] == words


async def test_the_log_has_neither_the_key_nor_what_was_said(
    provider: Provider, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    try:
        sidecar_log.start(tmp_path)
        async with remote(provider.url, secret=KEY) as asked:
            for reply in (replies.status(500, KEY), replies.status(401, KEY), replies.dropped(), replies.page()):
                provider.will(reply)
                try:
                    await answer(asked, request("a private question"))
                except ProviderError:
                    logging.getLogger("sidecar.tests").exception("Request failed")
    finally:
        for handler in set(logging.getLogger().handlers) - set(handlers):
            logging.getLogger().removeHandler(handler)
            handler.close()
        logging.getLogger().setLevel(level)
    written = (tmp_path / sidecar_log.FILE_NAME).read_text()
    assert written.count("Request failed") == 4
    assert "Provider is asked again" in written
    assert KEY not in written
    assert "private question" not in written


def test_the_sdks_own_switch_does_not_make_it_talk(tmp_path: Path) -> None:
    program = f"""
import asyncio, logging, sys
from pathlib import Path
from sidecar.rpc import log
log.start(Path({str(tmp_path)!r}))
from tests.provider import Provider, replies
from tests.provider.asking import answer, remote
async def main():
    with Provider() as provider:
        provider.will(replies.chat("x"))
        async with remote(provider.url, secret={KEY!r}) as asked:
            await answer(asked)
asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"OPENAI_LOG": "debug"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    written = ended.stdout + ended.stderr + (tmp_path / sidecar_log.FILE_NAME).read_text()
    assert written == ""


def test_the_sdk_is_not_imported_before_somebody_is_asked() -> None:
    program = (
        "import sys, sidecar.routing; print([each for each in ('openai', 'httpx2', 'PIL') if each in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.strip() == "[]"
