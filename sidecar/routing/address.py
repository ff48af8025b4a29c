"""Where a provider answers, and what a person should know of that before anything is sent."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from sidecar.errors import ProviderInvalid

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """The base address of an OpenAI-compatible server, without a slash at its end."""

    url: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a person typed.

        Raises:
            ProviderInvalid: not http or https, or with a user, a password, a query or a fragment.
        """
        address = text.strip()
        try:
            parts = urlsplit(address)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise ProviderInvalid("not an address", reason="address") from error
        # The address is not said back: what stands in it may be a password.
        plain = address.isascii() and address.isprintable() and " " not in address and "\\" not in address
        if not plain or parts.scheme not in DEFAULT_PORTS or not host:
            raise ProviderInvalid("not an http or https address", reason="address")
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise ProviderInvalid("an address with a user, a query or a fragment", reason="address")
        # A host's letters have no case; the zone of an IPv6 address is a name of this computer's own.
        host, mark, zone = parts.netloc.partition("%") if parts.netloc.startswith("[") else (parts.netloc, "", "")
        return cls(parts._replace(netloc=host.lower() + mark + zone).geturl().rstrip("/"))

    @property
    def origin(self) -> str:
        """scheme://host[:port]: what a key is given for."""
        parts = self._parts
        port = parts.port
        name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{name}" + ("" if port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{port}")

    @property
    def host(self) -> str:
        """The host alone, as people know it."""
        return self._parts.hostname or ""

    @property
    def leaves_computer(self) -> bool:
        """Whether it is another computer's. A name is, whatever it stands for now; only `localhost` is not."""
        if self.host == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return True

    @property
    def is_plain(self) -> bool:
        """Whether everybody on the way can read what is sent there."""
        return self.leaves_computer and self._parts.scheme == "http"

    @property
    def _parts(self) -> SplitResult:
        try:
            parts = urlsplit(self.url)
            _ = parts.port
        except ValueError:  # it rotted on the disk
            return urlsplit("")
        return parts
