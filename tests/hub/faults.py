"""Faults of a mirror: each is a function that changes one reply. A new fault is a new function here."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from tests.hub.reply import Reply

Fault = Callable[[Reply], Reply]


@dataclass
class ArmedFault:
    """A fault with the requests that it applies to. `on` is an endpoint: info, tree, head, get, cdn or any."""

    fault: Fault
    on: str
    path: str
    remaining: int | None  # None: for ever

    def applies(self, endpoint: str, file: str) -> bool:
        """Whether a request to this endpoint for this file is hit."""
        if self.remaining == 0 or self.on not in ("any", endpoint):
            return False
        return fnmatchcase(file, self.path)


def status(code: int, *, retry_after: int | str | None = None) -> Fault:
    """Answer with this status; `retry_after` in seconds, or as it is to stand in the header."""
    headers = {"Content-Type": "application/json"} | ({} if retry_after is None else {"Retry-After": str(retry_after)})
    return lambda _: Reply(code, headers, b'{"error":"on demand"}')


def html() -> Fault:
    """Answer 200 with a web page, as a captive portal does."""
    return lambda _: Reply(200, {"Content-Type": "text/html; charset=utf-8"}, b"<!doctype html><title>Sign in</title>")


def json(text: str) -> Fault:
    """Answer 200 with this text as JSON."""
    return lambda _: Reply(200, {"Content-Type": "application/json"}, text.encode())


def redirect(location: str, code: int = 302) -> Fault:
    """Send the client elsewhere."""
    return lambda _: Reply(code, {"Location": location})


def no_answer() -> Fault:
    """Take the request and never answer."""
    return lambda reply: replace(reply, answer=False)


def stall(after: int = 0) -> Fault:
    """Send the headers and `after` bytes, then nothing more, with the connection open."""
    return lambda reply: replace(reply, stall_after=after)


def cut(after: int, *, reset: bool = False) -> Fault:
    """Close the connection after `after` bytes of the body."""
    return lambda reply: replace(reply, cut_after=after, reset=reset)


def corrupt(at: int = 0) -> Fault:
    """Send the right number of bytes, one of them wrong."""
    return lambda reply: replace(reply, corrupt_at=min(at, max(reply.size - 1, 0)))


def slow(bytes_per_second: float) -> Fault:
    """Send the body at this rate."""
    return lambda reply: replace(reply, bytes_per_second=bytes_per_second)


def chunked() -> Fault:
    """Send the body in chunks, without saying how long it is."""
    return lambda reply: replace(reply, chunked=True)


def ignore_range() -> Fault:
    """Answer a range with 200 and the whole file."""

    def whole(reply: Reply) -> Reply:
        if reply.status != 206:
            return reply
        total = reply.start + reply.length
        headers = {name: value for name, value in reply.headers.items() if name != "Content-Range"}
        return replace(reply, status=200, headers=headers, start=0, length=total)

    return whole


def refuse_range() -> Fault:
    """Answer a range with 416, and the whole file as ever."""
    return lambda reply: Reply(416, {"Content-Range": "bytes */1"}) if reply.status == 206 else reply


def shifted_range(by: int) -> Fault:
    """Answer a range with 206 and bytes from another offset, saying so in Content-Range."""

    def shifted(reply: Reply) -> Reply:
        if reply.status != 206:
            return reply
        start, total = max(0, reply.start - by), reply.start + reply.length
        headers = {**reply.headers, "Content-Range": f"bytes {start}-{total - 1}/{total}"}
        return replace(reply, headers=headers, start=start, length=total - start)

    return shifted


def longer(by: int) -> Fault:
    """Send `by` bytes more than the file has."""

    def grown(reply: Reply) -> Reply:
        body = b"".join(reply.pieces()) + b"\0" * by
        return replace(reply, body=body, source=None, start=0, length=0)

    return grown


def shorter(by: int) -> Fault:
    """Send a file as if it had `by` bytes less."""
    return lambda reply: replace(reply, length=max(0, reply.length - by)) if reply.source else reply


def content_range(text: str | None) -> Fault:
    """Answer a range with 206 and this Content-Range, or none."""

    def said(reply: Reply) -> Reply:
        if reply.status != 206:
            return reply
        headers = {name: value for name, value in reply.headers.items() if name != "Content-Range"}
        return replace(reply, headers=headers | ({} if text is None else {"Content-Range": text}))

    return said


def partial() -> Fault:
    """Answer 206 to a request without a range: everything but the first byte."""

    def cropped(reply: Reply) -> Reply:
        if reply.status != 200 or not reply.source:
            return reply
        said = f"bytes 1-{reply.length - 1}/{reply.length}"
        headers = {**reply.headers, "Content-Range": said}
        return replace(reply, status=206, headers=headers, start=1, length=reply.length - 1)

    return cropped


def xet(endpoint: str) -> Fault:
    """Advertise Hugging Face's other way to transfer files, as the real hub does."""
    headers = {
        "X-Xet-Hash": "0" * 64,
        "X-Xet-Refresh-Route": f"{endpoint}/xet-read-token",
        "Link": f'<{endpoint}/xet-read-token>; rel="xet-auth", <{endpoint}/reconstruct>; rel="xet-reconstruction-info"',
    }
    return lambda reply: replace(reply, headers={**reply.headers, **headers})
