"""From what the HTTP library and a server say to our error kinds, without the key. Imported late, as the SDK is."""

from __future__ import annotations

import math
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx2
import openai

from sidecar.errors import (
    Json,
    NetworkSettingError,
    ProviderAnswerInvalid,
    ProviderDenied,
    ProviderError,
    ProviderFailed,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnreachable,
)
from sidecar.routing.remote_http import TooLarge

LONGEST_SAID = 500
_LONGEST_READ = 20_000  # of the server's words
_LONGEST_SEARCHED = 2_000  # of them for keys, whose patterns take time with the square of the length

_CUT = "[…]"
_LIKE_KEYS = re.compile(
    r"""
      \b(?:sk|pk|rk|key|gsk|hf|xai|AIza)[-_][\w*.-]{6,}   # as the known services' keys begin
    | \b(?:Bearer|Basic)\s+\S+
    | [\w-]*(?:\*{2,}|•{2,}|…|\.{3,})[\w-]{2,}             # a key that the server has masked itself
    | [\w-]+(?:\*{2,}|•{2,})
    | \b(?=\w*\d)(?=\w*[A-Za-z])\w{24,}\b                  # 24 letters and digits in a row are no word
    """,
    re.VERBOSE,
)
_PIECE = re.compile(r"[\w-]{6,}")  # of the key, that is cut out where it stands alone


class Interpreter:
    """Tells the errors of one server."""

    def __init__(self, provider: str, secret: str | None) -> None:
        self._provider = provider
        self._secret = secret

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Lets the libraries' errors leave as ours.

        Raises:
            ProviderError: one of its kinds.
            NetworkSettingError: it is not the server's fault.
        """
        try:
            yield
        except openai.APIStatusError as error:
            raise self._status(error) from error
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, NetworkSettingError):
                raise error.__cause__ from None
            raise self._broken(error.__cause__ or error) from error
        except openai.APIError as error:  # what a server says in the midst of its stream
            raise self.said_in_stream(error.body) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeEncodeError) as error:
            raise self._broken(error) from error
        except (openai.OpenAIError, ValueError, RecursionError) as error:  # JSON or UTF-8 that is none
            raise self.error(ProviderAnswerInvalid, "what it sent is not JSON") from error

    def error(self, kind: type[ProviderError], message: str, said: object = None, **details: Json) -> ProviderError:
        """An error of this server; `said` are its own words, as they came."""
        words = self._words(said)
        if words:
            details["said"] = words
        return kind(f"provider: {message}", provider=self._provider, **details)

    def said_in_stream(self, body: object) -> ProviderError:
        """What an error means that came as an event. Some servers put an HTTP status into its code."""
        code = body.get("code") if isinstance(body, Mapping) else None
        if isinstance(code, int) and 400 <= code <= 599:
            return self.error(_kind(code), f"{code} in the midst of an answer", body, status=code)
        return self.error(ProviderFailed, "it broke off the answer", body)

    def _status(self, error: openai.APIStatusError) -> ProviderError:
        status = error.status_code
        details: dict[str, Json] = {"status": status}
        if status in (429, 503) and (wait := _seconds(error.response.headers.get("Retry-After", ""))) is not None:
            details["retryAfter"] = wait
        if 300 <= status < 400:
            details["reason"] = "redirect"
        return self.error(_kind(status), f"it answered {status}", error.body, **details)

    def _broken(self, error: BaseException) -> ProviderError:
        # The library's own words are left out: they name the address, and what a proxy or resolver makes of it.
        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL | httpx2.LocalProtocolError | UnicodeError):
            return self.error(ProviderRejected, "not an address that can be asked", reason="address")
        if isinstance(error, TooLarge):
            return self.error(ProviderAnswerInvalid, f"it sent {error}", reason="too_large")
        if isinstance(error, httpx2.DecodingError):
            return self.error(ProviderAnswerInvalid, "what it sent cannot be decoded")
        if _is_about_certificate(error):
            return self.error(ProviderUnreachable, "its certificate is not trusted", reason="certificate")
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
            return self.error(ProviderUnreachable, "no connection", reason="connect")
        if isinstance(error, httpx2.TimeoutException):
            return self.error(ProviderUnreachable, "no answer in time", reason="timeout")
        return self.error(ProviderUnreachable, "the connection was cut", reason="cut")

    def _words(self, said: object) -> str | None:
        """At most 500 characters of one line, with the key and what looks like one cut out. No web pages."""
        text = _text(said)
        if text is None or text.lstrip().startswith("<"):
            return None
        text = " ".join("".join(c if c.isprintable() else " " for c in text[:_LONGEST_READ]).split())
        text = text[:_LONGEST_SEARCHED]
        if self._secret:
            text = text.replace(self._secret, _CUT)
            for piece in set(_PIECE.findall(text)):
                if piece in self._secret:
                    text = text.replace(piece, _CUT)
        text = _LIKE_KEYS.sub(_CUT, text)
        return text if len(text) <= LONGEST_SAID else text[: LONGEST_SAID - 1] + "…"


def _text(said: object) -> str | None:
    """The words in what servers send with an error: OpenAI's `error.message`, FastAPI's `detail`, or plain text."""
    match said:
        case str():
            return said
        case {"error": {"message": str(message)}} | {"message": str(message)} | {"error": str(message)}:
            return message
        case {"detail": str(message)} | {"msg": str(message)}:
            return message
        case {"detail": [first, *_]} | [first, *_]:  # pydantic's, Google's
            return _text(first)
    return None


def _kind(status: int) -> type[ProviderError]:
    if status in (401, 403):
        return ProviderDenied
    if status == 429:
        return ProviderRateLimited
    return ProviderFailed if status >= 500 else ProviderRejected


def _seconds(retry_after: str) -> int | None:
    """How long a `Retry-After` asks to wait, given in seconds or as a date; None if it is neither."""
    if retry_after.isascii() and retry_after.isdigit():
        return int(retry_after[:9])
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0, math.ceil(until.replace(tzinfo=until.tzinfo or UTC).timestamp() - time.time()))


def _is_about_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
