"""What this computer says of its network: the proxies to use and the certificates to trust. Imported late, as the HTTP
library is, which reads the same settings, but fails with errors of all kinds where they are wrong."""

import os
import ssl
from collections.abc import Mapping

import httpx2
from httpx2._utils import get_environment_proxies

from sidecar.errors import CertificatesInvalid, ProxyInvalid

_SOCKS = ("socks5", "socks5h")
_THIS_COMPUTER = ("localhost", "127.0.0.0/8", "[::1]")


def certificates() -> ssl.SSLContext:
    """Whom to trust: SSL_CERT_FILE or SSL_CERT_DIR, else the system's.

    Raises:
        CertificatesInvalid: they cannot be read; `details.setting` is the variable.
    """
    try:
        return httpx2.create_ssl_context()
    except OSError as error:  # also what is wrong with the content
        setting = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), "system")
        raise CertificatesInvalid(f"{setting}: {error.strerror or type(error).__name__}", setting=setting) from error


class TrustingLate(httpx2.HTTPTransport):
    """Asks http addresses without a look at certificates, which may be what it should not be; they are read before the
    first request to https, which may raise `CertificatesInvalid`."""

    def __init__(self, proxy: httpx2.Proxy | None = None) -> None:
        self._trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # Nobody as yet.
        super().__init__(verify=self._trusted, proxy=proxy)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.scheme == "https" and self._pool._ssl_context is self._trusted:
            self._pool._ssl_context = certificates()
        return super().handle_request(request)


def by_proxies() -> Mapping[str, httpx2.BaseTransport | None]:
    """What the HTTP library calls `mounts`: the way to each address, None where no proxy stands before it, as none does
    before this computer itself. A request to where the proxy cannot be used raises `ProxyInvalid`."""
    ways: dict[str, httpx2.BaseTransport | None] = {f"all://{host}": None for host in _THIS_COMPUTER}
    for pattern, proxy in _proxies().items():
        if not isinstance(proxy, httpx2.Proxy):
            ways[pattern] = proxy
        elif proxy.url.scheme in _SOCKS:
            ways[pattern] = _Socks(proxy)
        else:
            ways[pattern] = TrustingLate(proxy)
    return ways


def by_proxies_async(trusted: ssl.SSLContext, limits: httpx2.Limits) -> Mapping[str, httpx2.AsyncBaseTransport | None]:
    """The same for the library's other half, but for this computer, which the caller leaves out."""
    ways: dict[str, httpx2.AsyncBaseTransport | None] = {}
    for pattern, proxy in _proxies().items():
        if not isinstance(proxy, httpx2.Proxy):
            ways[pattern] = proxy
        elif proxy.url.scheme in _SOCKS:
            ways[pattern] = _AsyncSocks(verify=trusted, proxy=proxy, limits=limits)
        else:
            ways[pattern] = httpx2.AsyncHTTPTransport(verify=trusted, proxy=proxy, limits=limits)
    return ways


class _Refusal(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """The way through a proxy that cannot be used."""

    def __init__(self, setting: str) -> None:
        self._setting = setting

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        raise self._error()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise self._error()

    def _error(self) -> ProxyInvalid:
        # Without the address: there may be a password in it.
        return ProxyInvalid(f"{self._setting} is not a proxy that can be used", setting=self._setting)


class _Socks(TrustingLate):
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        from socksio import SOCKSError

        try:
            return super().handle_request(request)
        except SOCKSError as error:
            raise httpx2.ProxyError("not a SOCKS 5 proxy", request=request) from error


class _AsyncSocks(httpx2.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        from socksio import SOCKSError

        try:
            return await super().handle_async_request(request)
        except SOCKSError as error:
            raise httpx2.ProxyError("not a SOCKS 5 proxy", request=request) from error


def _proxies() -> dict[str, httpx2.Proxy | _Refusal | None]:
    return {
        pattern: None if url is None else _proxy(pattern, url) for pattern, url in get_environment_proxies().items()
    }


def _proxy(pattern: str, url: str) -> httpx2.Proxy | _Refusal:
    """A proxy by its address. `socks://` is what desktops write for SOCKS 5; names are looked up beyond the proxy."""
    scheme, _, rest = url.partition("://")
    try:
        proxy = httpx2.Proxy(f"socks5h://{rest}" if scheme.lower() == "socks" else url)
        if proxy.url.host:
            return proxy
    except (ValueError, httpx2.InvalidURL):
        pass
    name = pattern.removesuffix("://") + "_proxy"
    return _Refusal(next((each for each in (name, name.upper()) if os.environ.get(each)), "system"))
