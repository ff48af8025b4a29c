"""The hub's HTTP server: routes, log and life cycle."""

import json
import os
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self, cast
from urllib.parse import unquote, urlsplit

from tests.hub.faults import ArmedFault, Fault
from tests.hub.link import Link
from tests.hub.reply import PIECE, Reply, json_reply, not_found
from tests.hub.repository import HubFile, HubRepository, HubSnapshot

API = re.compile(r"^/api/models/(?P<repository>[^/]+/[^/]+?)(?:/(?P<verb>revision|tree)/(?P<revision>[^/]+))?$")
RESOLVE = re.compile(r"^/(?P<repository>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)$")
CDN = re.compile(r"^/cdn/(?P<sha256>[0-9a-f]{64})$")
LEAN_PIECE = 2**20
RANGE = re.compile(r"^bytes=(\d+)-(\d*)$")


@dataclass
class HubRequest:
    """One request as the hub saw it. `sent` grows while the body is on its way; `closed` says that the connection it
    came by is no more."""

    method: str
    url: str
    endpoint: str  # info, tree, head, get, cdn, or unknown
    file: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0
    done: bool = False
    closed: bool = False


@dataclass
class _Route:
    endpoint: str
    file: str
    reply: Reply


@dataclass
class Hub:
    """A running hub. Use it as a context manager; `url` is where it listens.

    `rate` limits every body to that many bytes a second. `redirect_lfs` answers LFS files with a redirect to another
    path, as the real hub does to its CDN. `page_size` splits the tree into pages, linked as the real hub links them.
    With `tls` it speaks https, and `link` is the line that all answers share. A `lean` one, without any of these or a
    fault, has the system send files by itself (sendfile): for a benchmark of its client, which it leaves the processor.
    """

    folders: Mapping[str, Path]
    port: int = 0
    rate: float | None = None
    redirect_lfs: bool = False
    page_size: int | None = None
    tls: ssl.SSLContext | None = None
    link: Link | None = None
    lean: bool = False
    repositories: dict[str, HubRepository] = field(init=False)
    log: list[HubRequest] = field(init=False, default_factory=list)
    _faults: list[ArmedFault] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.repositories = {name: HubRepository(name, folder) for name, folder in self.folders.items()}
        self.changed = threading.Condition()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.hub = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="hub", daemon=True)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, without a slash at the end; https with `tls`."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving; stalled answers end, and the port refuses connections."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def fault(self, fault: Fault, *, on: str = "any", path: str = "*", times: int | None = None) -> None:
        """Arm a fault for requests to an endpoint and file (a pattern), for the next `times` of them or for ever."""
        with self.changed:
            self._faults.append(ArmedFault(fault, on, path, times))

    def heal(self) -> None:
        """Disarm all faults."""
        with self.changed:
            self._faults.clear()

    def requests(self, endpoint: str, file: str | None = None) -> list[HubRequest]:
        """The logged requests to an endpoint, for one file if given."""
        with self.changed:
            return [r for r in self.log if r.endpoint == endpoint and file in (None, r.file)]

    def wait_until(self, condition: Callable[[], bool], timeout: float = 10) -> None:
        """Block until the log makes `condition` true.

        Raises:
            TimeoutError: it did not within `timeout` seconds.
        """
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                raise TimeoutError(f"the hub did not get there within {timeout} s: {self.log}")

    def answer(self, method: str, url: str, headers: Mapping[str, str]) -> tuple[HubRequest, Reply]:
        """What to send for a request, faults included; the request is logged."""
        route = self._route(method, urlsplit(url).path, urlsplit(url).query, headers)
        seen = HubRequest(method, url, route.endpoint, route.file, {k.lower(): v for k, v in headers.items()})
        reply = route.reply if self.rate is None else replace(route.reply, bytes_per_second=self.rate)
        with self.changed:
            self.log.append(seen)
            for armed in self._faults:
                if armed.applies(route.endpoint, route.file):
                    armed.remaining = None if armed.remaining is None else armed.remaining - 1
                    reply = armed.fault(reply)
            seen.status = reply.status if reply.answer else 0
            self.changed.notify_all()
        return seen, reply

    def _route(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> _Route:
        path = unquote(path)
        if match := API.match(path):
            endpoint = "tree" if match["verb"] == "tree" else "info"
            snapshot = self._snapshot(match["repository"], match["revision"] or "main")
            if isinstance(snapshot, Reply):
                return _Route(endpoint, "", snapshot)
            if endpoint == "tree":
                return _Route("tree", "", self._tree(snapshot, path, query))
            return _Route("info", "", _info(match["repository"], snapshot))
        if match := RESOLVE.match(path):
            endpoint = "head" if method == "HEAD" else "get"
            snapshot = self._snapshot(match["repository"], match["revision"])
            if isinstance(snapshot, Reply):
                return _Route(endpoint, match["path"], snapshot)
            file = snapshot.files.get(match["path"])
            if file is None:
                return _Route(endpoint, match["path"], not_found("EntryNotFound", "Entry not found"))
            named = {"X-Repo-Commit": snapshot.revision}
            if file.lfs:
                named |= {"X-Linked-Etag": f'"{file.etag}"', "X-Linked-Size": str(file.size)}
                if self.redirect_lfs:
                    named |= {
                        "Location": f"http://localhost:{self._server.server_address[1]}/cdn/{file.sha256}",
                        "ETag": f'"{file.git_oid}"',
                    }
                    return _Route(endpoint, file.path, Reply(302, named))
            return _Route(endpoint, file.path, _file(file, named, headers.get("Range")))
        if match := CDN.match(path):
            for repository in self.repositories.values():
                for snapshot in repository.snapshots.values():
                    for file in snapshot.files.values():
                        if file.sha256 == match["sha256"]:
                            return _Route("cdn", file.path, _file(file, {}, headers.get("Range")))
        return _Route("unknown", "", not_found("NotFound", "Not found"))

    def _snapshot(self, repository: str, revision: str) -> HubSnapshot | Reply:
        if repository not in self.repositories:
            return not_found("RepoNotFound", "Repository not found")
        return self.repositories[repository].snapshot(revision) or not_found("RevisionNotFound", "Revision not found")

    def _tree(self, snapshot: HubSnapshot, path: str, query: str) -> Reply:
        entries = snapshot.tree()
        if self.page_size is None:
            return json_reply(entries)
        at = int(match[1]) if (match := re.search(r"cursor=(\d+)", query)) else 0
        end = at + self.page_size
        if end >= len(entries):
            return json_reply(entries[at:])
        return json_reply(entries[at:end], Link=f'<{self.url}{path}?recursive=true&cursor={end}>; rel="next"')


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    hub: Hub

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is what many tests are about; it is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "TestHub"
    sys_version = ""
    disable_nagle_algorithm = True

    def setup(self) -> None:
        hub = cast(_Server, self.server).hub
        if not hub.lean:
            # Else megabytes count as sent that the system still holds on this side.
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)
        self.seen: list[HubRequest] = []
        if hub.tls is not None:
            # In this connection's own thread; a client that refuses the certificate ends it by an error.
            self.request = hub.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection.close()  # The server knows only the socket below it.
        hub = cast(_Server, self.server).hub
        with hub.changed:
            for seen in self.seen:
                seen.closed = True
            hub.changed.notify_all()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        """The log is `Hub.log`."""

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        hub = cast(_Server, self.server).hub
        seen, reply = hub.answer(self.command, self.path, dict(self.headers.items()))
        self.seen.append(seen)
        try:
            if hub.link is not None:
                hub.closing.wait(hub.link.delay_seconds)
            if not reply.answer:
                self._fall_silent(hub)
                return
            self.send_response(reply.status)
            framing = {"Transfer-Encoding": "chunked"} if reply.chunked else {"Content-Length": str(reply.size)}
            for name, value in {**reply.headers, **framing}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self._send_body(hub, seen, reply)
        except OSError:
            self.close_connection = True
        finally:
            with hub.changed:
                seen.done = True
                hub.changed.notify_all()

    def _send_body(self, hub: Hub, seen: HubRequest, reply: Reply) -> None:
        if hub.lean and reply.source:
            self._send_file(hub, seen, reply, reply.source)
            return
        started = time.monotonic()
        limit = min((at for at in (reply.cut_after, reply.stall_after) if at is not None), default=None)
        for piece in reply.pieces():
            if hub.link is not None and not self._carry(hub, hub.link, len(piece)):
                return
            part = piece if limit is None else piece[: max(0, limit - seen.sent)]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part) if reply.chunked and part else part)
            with hub.changed:
                seen.sent += len(part)
                hub.changed.notify_all()
            if reply.bytes_per_second and hub.closing.wait(
                max(0.0, started + seen.sent / reply.bytes_per_second - time.monotonic())
            ):
                self.close_connection = True
                return
            if limit is not None and seen.sent >= limit:
                break
        if reply.stall_after is not None and reply.stall_after == limit:
            self._fall_silent(hub)
        elif reply.cut_after is not None:
            self.close_connection = True
            if reply.reset:
                self._reset()
        elif reply.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _send_file(self, hub: Hub, seen: HubRequest, reply: Reply, path: Path) -> None:
        with path.open("rb") as source:
            while left := reply.length - seen.sent:
                at = reply.start + seen.sent
                sent = os.sendfile(self.connection.fileno(), source.fileno(), at, min(LEAN_PIECE, left))
                with hub.changed:
                    seen.sent += sent
                    hub.changed.notify_all()

    def _carry(self, hub: Hub, link: Link, size: int) -> bool:
        """Bring a piece over the line; whether the connection is still there."""
        fate = link.fate(size)
        if fate == "cut":
            self._reset()
            return False
        seconds = link.seconds_for(size) + (link.pause_seconds if fate == "late" else 0.0)
        if hub.closing.wait(seconds):
            self.close_connection = True
            return False
        return True

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _fall_silent(self, hub: Hub) -> None:
        self.close_connection = True
        hub.closing.wait()


def _info(repository: str, snapshot: HubSnapshot) -> Reply:
    siblings = [{"rfilename": path} for path in snapshot.files]
    return json_reply(
        {
            "id": repository,
            "modelId": repository,
            "sha": snapshot.revision,
            "private": False,
            "tags": [],
            "downloads": 0,
            "siblings": siblings,
        }
    )


def _file(file: HubFile, headers: dict[str, str], wanted: str | None) -> Reply:
    named = {
        "Content-Type": "application/octet-stream",
        "ETag": f'"{file.etag}"',
        "Accept-Ranges": "bytes",
        **headers,
    }
    whole = Reply(200, named, source=file.source, length=file.size)
    if wanted is None or not (match := RANGE.match(wanted)):
        return whole
    start, end = int(match[1]), min(int(match[2] or file.size - 1), file.size - 1)
    if start > end:
        return Reply(416, {**named, "Content-Range": f"bytes */{file.size}"})
    ranged = {**named, "Content-Range": f"bytes {start}-{end}/{file.size}"}
    return Reply(206, ranged, source=file.source, start=start, length=end - start + 1)


def write_catalog(path: Path, url: str, folder: Path, first: Sequence[str] = ()) -> Path:
    """Write `catalog.json` of this package with the hub's real address, after those of the `first` mirrors, and the
    folder's size; answer `path`."""
    catalog = json.loads(Path(__file__).with_name("catalog.json").read_text())
    for model in catalog["models"]:
        model["mirrors"] = [*first, url]
        model["totalBytes"] = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    path.write_text(json.dumps(catalog, indent=2))
    return path
