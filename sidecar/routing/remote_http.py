"""The HTTP below a provider's server: OpenAI's SDK, held to what a person agreed to. Imported late, as the SDK takes a
second."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2
from openai import AsyncOpenAI, AsyncStream, Omit

from sidecar.network_setting import by_proxies_async, certificates
from sidecar.routing.address import Address
from sidecar.routing.remote_patience import Patience

# OPENAI_LOG lowers the SDK's own logger while it is imported; libraries are heard from warnings on.
logging.getLogger("openai").setLevel(logging.WARNING)

LARGEST_ANSWER_BYTES = 256 << 20  # of a stream: 100,000 tokens with 20 alternatives each have about 150 MB
LARGEST_LIST_BYTES = 4 << 20  # of tens of thousands of models: to parse it halts everybody's answers
LARGEST_REFUSAL_BYTES = 64 << 10  # of what comes with an error; the rest is not read


class Client(AsyncOpenAI):
    """The SDK with our headers only: its own tell about this computer, and the environment may add to them."""

    @property
    def default_headers(self) -> dict[str, str | Omit]:
        return {
            "Accept": "application/json, text/event-stream",
            "Accept-Encoding": "identity",  # what is packed may be of any size
            "Content-Type": "application/json",
            "User-Agent": "knowledge-focus",
        }

    async def listed(self) -> object:
        """The JSON of `/models`."""
        return await self.get("/models", cast_to=object, options={"headers": self._own_headers()})

    async def streamed(self, body: dict[str, Any]) -> AsyncStream[object]:
        """The answer to a chat: one JSON value for each event."""
        return await self.post(
            "/chat/completions",
            cast_to=object,
            body=body,
            options={"headers": self._own_headers()},
            stream=True,
            stream_cls=AsyncStream[object],
        )

    def _own_headers(self) -> dict[str, str | Omit]:
        left_out: dict[str, str | Omit] = {"x-stainless-retry-count": Omit(), "x-stainless-read-timeout": Omit()}
        # Without a key there is no such header at all: some servers refuse an empty one.
        return left_out if self.api_key else left_out | {"Authorization": Omit()}


def client(base_url: str, secret: str | None, patience: Patience) -> Client:
    """A client of one server. No redirect is followed, so that the key comes to nobody else, and no cookie kept.

    Everything that the SDK would take from the environment (OPENAI_API_KEY, …) is said here, be it that there is none.
    """
    # Where TLS is not spoken a file of certificates may be what it wants: redirects are not followed.
    trusted = certificates() if base_url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    limits = httpx2.Limits(max_connections=None)  # how many there are at once is the queue's business
    leaves = Address(base_url).leaves_computer

    async def paced(response: httpx2.Response) -> None:
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        largest = LARGEST_ANSWER_BYTES if response.request.method == "POST" else LARGEST_LIST_BYTES
        response.stream = _Paced(response.stream, patience, largest=largest if response.is_success else None)

    http = httpx2.AsyncClient(
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx2.Timeout(patience.first_byte, connect=patience.connect, pool=None),
        limits=limits,
        follow_redirects=False,
        verify=trusted,
        trust_env=False,  # What it would read is read by us.
        mounts=by_proxies_async(trusted, limits) if leaves else {},  # No proxy stands before this computer itself.
        event_hooks={"response": [paced]},
    )
    return Client(
        api_key=secret or "",
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        base_url=base_url,
        max_retries=0,  # they are `Remote`'s: it knows what has been delivered, and how long a person waits
        http_client=http,
    )


class TooLarge(httpx2.DecodingError):
    """A body is larger than any answer of its kind."""


class _Paced(httpx2.AsyncByteStream):
    """A body that must not stand still, nor be endless. Bytes count and not events: servers send comments to show that
    they are alive."""

    def __init__(self, stream: httpx2.AsyncByteStream, patience: Patience, *, largest: int | None) -> None:
        """More than `largest` bytes are an error; with None only the beginning is read."""
        self._stream = stream
        self._patience = patience
        self._largest = largest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = aiter(self._stream)
        seconds, size = self._patience.first_byte, 0
        while True:
            try:
                async with asyncio.timeout(seconds):
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise httpx2.ReadTimeout("the answer stands still") from None
            seconds, size = self._patience.between, size + len(part)
            if self._largest is None and size > LARGEST_REFUSAL_BYTES:
                return
            if self._largest is not None and size > self._largest:
                raise TooLarge(f"more than {self._largest >> 20} MiB")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
