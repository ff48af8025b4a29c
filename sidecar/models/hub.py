"""What we ask of a model hub over HTTP: a revision, the list of files, and a file's bytes."""

import json
import math
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urljoin

from sidecar.errors import (
    DownloadError,
    FileDamaged,
    MirrorFailed,
    MirrorInvalid,
    MirrorNotFound,
    MirrorRateLimited,
    MirrorUnreachable,
    NoNetwork,
)
from sidecar.models.body import pieces_of, says_its_end
from sidecar.models.manifest import REVISION, Manifest, RepositoryFile, manifest_from_tree
from sidecar.models.mirrors import Mirror
from sidecar.models.network import NetworkLimits, has_route
from sidecar.models.stop import Stop

if TYPE_CHECKING:
    import httpx2

LONGEST_JSON = 8 * 1024 * 1024
MOST_PAGES = 100
MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class FileAnswer:
    """What a mirror sends of a file."""

    begin: int
    """The offset at which it really begins: 0 where the mirror does not resume."""
    says_its_end: bool
    """Whether the pieces end only where the mirror says so: one that is cut raises. Else a cut looks like the end."""
    pieces: Iterator[bytes | memoryview]
    """The bytes as they arrive; each piece is good until the next one is asked for."""


class HubClient:
    """Connections to one mirror, for any number of threads; `stop` ends what they wait for. No token, no cookie and
    nothing that tells people apart is ever sent.

    Beside the mirror's failures, asking it may raise `NetworkSettingError`.

    Threads and blocking reads, where asyncio would do with one thread: hashing, writing and receiving then run side by
    side, which is three times as fast on two cores.
    """

    def __init__(self, mirror: Mirror, limits: NetworkLimits, stop: Stop) -> None:
        # Late: a fifth of a second that the start of the sidecar need not wait for.
        from http.cookiejar import CookieJar, DefaultCookiePolicy

        import httpx2

        from sidecar.models.connecting import SharedTime
        from sidecar.network_setting import TrustingLate, by_proxies

        self._mirror = mirror
        self._limits = limits
        self._stop = stop
        transport, proxies = TrustingLate(), by_proxies()
        self._client = httpx2.Client(
            # Identity: sizes and ranges are those of the file. hf's CDN compresses JSON files otherwise.
            headers={"User-Agent": "knowledge-focus", "Accept-Encoding": "identity"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx2.Timeout(limits.stall_seconds, connect=limits.connect_seconds, pool=None),
            follow_redirects=False,  # Each hop is checked by `_send`.
            trust_env=False,  # What it would read is read by us.
            transport=transport,
            mounts=proxies,
        )
        # httpcore's pools take it as an argument; httpx, which makes them and finds the proxies, has none for it.
        for way in (transport, *proxies.values()):
            if isinstance(way, httpx2.HTTPTransport):
                way._pool._network_backend = SharedTime()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def revision(self, repository: str) -> str:
        """The commit that `main` stands for: 40 hexadecimal digits.

        Raises:
            DownloadError: the mirror's failure.
        """
        answer, _ = self._json(f"{self._mirror.url}/api/models/{repository}/revision/main")
        revision = answer.get("sha") if isinstance(answer, dict) else None
        if not isinstance(revision, str) or not REVISION.fullmatch(revision):
            raise self._error(MirrorInvalid, "no commit in the answer about the repository")
        return revision

    def manifest(self, repository: str, revision: str) -> Manifest:
        """All files of a commit that we would fetch.

        Raises:
            DownloadError: the mirror's failure, `MirrorInvalid` also for a list that is not a model's.
        """
        entries: list[Any] = []
        url = f"{self._mirror.url}/api/models/{repository}/tree/{revision}?recursive=true&expand=false"
        for _ in range(MOST_PAGES):
            page, following = self._json(url)
            if not isinstance(page, list):
                raise self._error(MirrorInvalid, "the list of files is not a list")
            entries += page
            if following is None:
                break
            url = following
        else:
            raise self._error(MirrorInvalid, "the list of files has no end")
        try:
            return manifest_from_tree(repository, revision, entries)
        except ValueError as error:
            raise self._error(MirrorInvalid, str(error)) from error

    @contextmanager
    def open_file(self, repository: str, revision: str, file: RepositoryFile, start: int) -> Iterator[FileAnswer]:
        """Ask for a file from byte `start` on.

        Raises:
            DownloadError: the mirror's failure; `FileDamaged` if the answer is of another size than the file.
            Stopped: nobody wants it any more.
        """
        url = f"{self._mirror.url}/{repository}/resolve/{revision}/{quote(file.path)}"
        with self._translated(file.path):
            if start:
                with self._send(url, {"Range": f"bytes={start}-"}, file.path) as response:
                    begin = None if response.status_code == 416 else self._first_byte(response, file, start)
                    if begin in (start, 0):
                        yield FileAnswer(begin, says_its_end(response), pieces_of(response, self._limits.stall_seconds))
                        return
            with self._send(url, {}, file.path) as response:
                begin = self._first_byte(response, file, 0)
                yield FileAnswer(begin, says_its_end(response), pieces_of(response, self._limits.stall_seconds))

    def content(self, repository: str, revision: str, file: RepositoryFile, most: int) -> bytes:
        """A small file whole, checked.

        Raises:
            DownloadError: the mirror's failure; `FileDamaged` if it is not what the list of files says, or has more
                than `most` bytes.
        """
        body, hasher = bytearray(), file.digest.hasher(file.size)
        if file.size <= most:
            with self.open_file(repository, revision, file, 0) as answer:
                for piece in answer.pieces:
                    body += piece
                    if len(body) > file.size:
                        break
        hasher.update(body)
        if len(body) != file.size or hasher.hexdigest() != file.digest.hexadecimal:
            raise self._error(FileDamaged, "not what the list of files says", file=file.path)
        return bytes(body)

    def _first_byte(self, response: "httpx2.Response", file: RepositoryFile, asked: int) -> int:
        """Where an answer begins that was asked for from byte `asked` on."""
        self._check_status(response, file.path)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise self._error(MirrorInvalid, "a web page instead of a file", file=file.path)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise self._error(MirrorInvalid, "a compressed answer that was not asked for", file=file.path)
        begin, total = 0, response.headers.get("Content-Length")
        if response.status_code == 206:
            try:
                span, total = response.headers["Content-Range"].removeprefix("bytes ").split("/")
                begin = int(span.split("-")[0])
            except (KeyError, ValueError) as error:
                raise self._error(MirrorInvalid, "a part without a readable Content-Range", file=file.path) from error
        if total not in (None, "*", str(file.size)):
            raise self._error(FileDamaged, f"{total} bytes instead of {file.size}", file=file.path)
        if begin > 0 and asked == 0:
            raise self._error(MirrorInvalid, "a part of a file that was asked for as a whole", file=file.path)
        return begin

    def _json(self, url: str) -> tuple[Any, str | None]:
        """A JSON answer and the address of its next page, asked for again within the limits."""
        failures = 0
        while True:
            try:
                return self._json_once(url)
            except DownloadError as error:
                failures += 1
                self._limits.wait_to_retry(error, failures, self._stop)

    def _json_once(self, url: str) -> tuple[Any, str | None]:
        with self._translated(), self._send(url, {}) as response:
            self._check_status(response)
            body = bytearray()
            for piece in response.iter_raw():
                body += piece
                if len(body) > LONGEST_JSON:
                    raise self._error(MirrorInvalid, "an answer that is far too long")
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._error(MirrorInvalid, "the answer is not JSON", status=response.status_code) from error
        following = response.links.get("next", {}).get("url")
        if following is None:
            return value, None
        return value, self._led_to(url, following, "the list of files goes on at an address that may not be asked")

    @contextmanager
    def _send(self, url: str, headers: dict[str, str], file: str | None = None) -> Iterator["httpx2.Response"]:
        """Send a GET and follow redirects, each of them checked."""
        for _ in range(MOST_REDIRECTS + 1):
            self._stop.check()
            with self._client.stream("GET", url, headers=headers, extensions={"trace": self._note}) as response:
                if response.status_code not in REDIRECTS:
                    yield response
                    return
                location = response.headers.get("Location", "")
            url = self._led_to(url, location, "a redirect to an address that may not be asked", file)
        raise self._error(MirrorInvalid, "too many redirects", file=file)

    def _led_to(self, url: str, reference: str, refusal: str, file: str | None = None) -> str:
        """The address that an answer from `url` leads to."""
        with suppress(ValueError):  # what cannot be an address: `http://[`
            following = urljoin(url, reference)
            if self._mirror.may_redirect_to(following):
                return following
        raise self._error(MirrorInvalid, refusal, file=file)

    def _note(self, event: str, info: dict[str, Any]) -> None:
        """Have what the HTTP library connects end with us, also where that comes about only afterwards."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._stop.ends(info["return_value"].get_extra_info("socket"))

    def _check_status(self, response: "httpx2.Response", file: str | None = None) -> None:
        status = response.status_code
        if status in (200, 206):
            return
        message = f"the mirror answered {status}"
        # The hub answers 401 where a repository does not exist or is not public: without a token it is the same.
        if status in (401, 403, 404, 410):
            raise self._error(MirrorNotFound, message, status=status, file=file)
        if status == 429:
            raise self._error(MirrorRateLimited, message, status=status, file=file, retry_after=response)
        if status >= 500:
            raise self._error(MirrorFailed, message, status=status, file=file, retry_after=response)
        raise self._error(MirrorInvalid, message, status=status, file=file)

    def _error(
        self,
        kind: type[DownloadError],
        message: str,
        *,
        status: int | None = None,
        file: str | None = None,
        retry_after: "httpx2.Response | None" = None,
    ) -> DownloadError:
        details: dict[str, str | int] = {"mirror": self._mirror.url}
        if status is not None:
            details["status"] = status
        if file is not None:
            details["file"] = file
        wait = None if retry_after is None else _seconds(retry_after.headers.get("Retry-After", ""))
        if wait is not None:
            details["retry_after_seconds"] = wait
        return kind(message, **details)

    @contextmanager
    def _translated(self, file: str | None = None) -> Iterator[None]:
        """Let the HTTP library's errors leave as ours; of what it is made of, too, which bodies are read from."""
        import httpcore2
        import httpx2

        try:
            yield
        except (httpx2.RequestError, httpcore2.NetworkError, httpcore2.TimeoutException) as error:
            self._stop.check()  # then the connection did not break by itself
            raise self._as_ours(error, file) from error
        except httpx2.InvalidURL as error:
            raise self._error(MirrorInvalid, f"not an address that can be asked: {error}", file=file) from error

    def _as_ours(self, error: Exception, file: str | None) -> DownloadError:
        import httpcore2
        import httpx2

        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
            return self._error(MirrorInvalid, f"not an address that can be asked: {error}", file=file)
        if isinstance(error, httpx2.TimeoutException | httpcore2.TimeoutException):
            return self._error(self._unreachable(), "no answer in time", file=file)
        if _is_about_certificate(error):
            return self._error(MirrorInvalid, "its certificate is not trusted", file=file)
        return self._error(self._unreachable(), f"the connection broke: {error!r}", file=file)

    def _unreachable(self) -> type[DownloadError]:
        """A mirror on this computer needs no network, and is to blame itself."""
        return MirrorUnreachable if self._mirror.is_local or has_route() else NoNetwork


def _seconds(retry_after: str) -> int | None:
    """How long a `Retry-After` asks to wait, given in seconds or as a date; None if it is neither."""
    if retry_after.isascii() and retry_after.isdigit():
        return int(retry_after[:9])
    try:
        until = parsedate_to_datetime(retry_after)
        # A date without a zone is meant as GMT, as all in HTTP are.
        return max(0, math.ceil(until.replace(tzinfo=until.tzinfo or UTC).timestamp() - time.time()))
    except (ValueError, OverflowError):
        return None


def _is_about_certificate(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
