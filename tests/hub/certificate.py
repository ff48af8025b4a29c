"""A certificate that nobody trusts but who is told to, made on the spot."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

NAMES = "DNS:mirror.example,IP:127.0.0.1"


@dataclass(frozen=True)
class Certificate:
    """For the names `mirror.example` and `127.0.0.1`. `file` is what makes a client trust it."""

    file: Path
    key: Path

    @classmethod
    def made_in(cls, folder: Path) -> Self:
        """Have openssl make one, with its key, valid for a day.

        Raises:
            FileNotFoundError: there is no openssl.
        """
        file, key = folder / "certificate.pem", folder / "key.pem"
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
        named = ["-subj", "/CN=mirror.example", "-addext", f"subjectAltName={NAMES}"]
        subprocess.run(
            ["openssl", "req", "-x509", *kind, *named, "-keyout", str(key), "-out", str(file)],
            check=True,
            capture_output=True,
            timeout=30,
        )
        return cls(file, key)

    def context(self) -> ssl.SSLContext:
        """What a server needs to show it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context
