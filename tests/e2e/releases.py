"""A place of releases on this computer, and minisign's signatures, made with openssl."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from setup.package.release import describe

KEY_ID = b"8 bytes!"


class SigningKey:
    """An Ed25519 key that lies in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._openssl("genpkey", "-algorithm", "ed25519", "-out", "key.pem")

    @property
    def public(self) -> str:
        """As minisign writes it, without its comment."""
        key = self._openssl("pkey", "-in", "key.pem", "-pubout", "-outform", "DER")[-32:]
        return base64.b64encode(b"Ed" + KEY_ID + key).decode()

    def signature(self, text: bytes) -> str:
        """What minisign puts beside a file."""
        signed = self._sign(hashlib.blake2b(text).digest())
        comment = b"timestamp:0"
        both = base64.b64encode(b"ED" + KEY_ID + signed), base64.b64encode(self._sign(signed + comment))
        lines = b"untrusted comment: none", both[0], b"trusted comment: " + comment, both[1], b""
        return b"\n".join(lines).decode()

    def _sign(self, text: bytes) -> bytes:
        (self._folder / "text").write_bytes(text)
        return self._openssl("pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-in", "text")

    def _openssl(self, *arguments: str) -> bytes:
        ran = subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True, timeout=30)
        return ran.stdout


class Releases:
    """What is announced; `key` signs it."""

    def __init__(self, folder: Path, url: str, key: SigningKey) -> None:
        self.folder = folder
        self.address = f"{url}/latest.json"
        self.key = key
        self._url = url

    def announce(self, version: str, package: bytes, key: SigningKey | None = None) -> Path:
        """A release with one Debian package of these bytes, signed with another key if one is given."""
        for before in self.folder.iterdir():
            before.unlink()
        file = self.folder / f"Knowledge-Focus_{version}_amd64.deb"
        file.write_bytes(package)
        release = describe(version, f"{self._url}/page", self._url, self.folder)
        text = json.dumps(release).encode()
        (self.folder / "latest.json").write_bytes(text)
        (self.folder / "latest.json.minisig").write_text((key or self.key).signature(text))
        return file


@contextmanager
def releases(folder: Path) -> Iterator[Releases]:
    served = folder / "releases"
    served.mkdir()

    class Listing(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            """Keeps the test's output free of it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Listing, directory=str(served))) as server:
        thread = threading.Thread(target=server.serve_forever, name="releases")
        thread.start()
        try:
            yield Releases(served, f"http://127.0.0.1:{server.server_port}", SigningKey(folder / "key"))
        finally:
            server.shutdown()
            thread.join()
