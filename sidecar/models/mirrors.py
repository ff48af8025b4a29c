"""Where a model may be fetched from: addresses, and which of them a redirect may lead to."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from sidecar.errors import MirrorInvalid


@dataclass(frozen=True)
class Mirror:
    """A model hub by its address: https anywhere, or http on this computer."""

    url: str
    """Without a slash at the end, without user, query or fragment."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address that a person typed or a catalog names.

        Raises:
            MirrorInvalid: not an address, not https (but for loopback), or with a password in it.
        """
        address = text.strip()
        parts = _split(address)
        # Said back without what stands before an '@': that may be a password.
        shown = re.sub(r"[^/@]*@", "", address)[:200]
        if parts is None or parts.query or parts.fragment:
            raise MirrorInvalid("not the address of a mirror", mirror=shown)
        if parts.username is not None or parts.password is not None:
            raise MirrorInvalid("an address with a user or password in it", mirror=shown)
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts)):
            raise MirrorInvalid("a mirror is an https address", mirror=shown)
        return cls(address.rstrip("/"))

    @property
    def is_local(self) -> bool:
        """Whether it is on this computer."""
        parts = _split(self.url)
        return parts is not None and _is_loopback(parts)

    def may_redirect_to(self, url: str) -> bool:
        """Whether a redirect of this mirror may be followed: never from https to http, never with a user in it."""
        parts = _split(url)
        if parts is None or parts.username is not None or parts.password is not None:
            return False
        if parts.scheme == "https":
            return True
        return parts.scheme == "http" and self.url.startswith("http://") and _is_loopback(parts)


def _split(address: str) -> SplitResult | None:
    """The parts of an absolute address; None if it is none."""
    if not address.isprintable() or " " in address or "\\" in address or len(address) > 8192:
        return None
    try:
        parts = urlsplit(address)
        _ = parts.port  # Read for its check.
    except ValueError:
        return None
    return parts if parts.hostname else None


def _is_loopback(parts: SplitResult) -> bool:
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
