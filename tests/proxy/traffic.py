"""What programs ask of a proxy in the long run: requests of every sort, good and bad, from many clients at once.

Whatever happens behind it, each ends well: with its answer, with the refusal that it deserves, or with an error that
says that it may be made again. Anything else fails, a wait of `SECONDS` as well."""

from __future__ import annotations

import base64
import io
import itertools
import json
import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from functools import cache
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from PIL import Image

from tests.pipe import ROOT, Json

SECONDS = 300.0  # a busy machine takes a minute for a load, and two urgent requests at a time may each meet a kill
CLIENTS = 16
CHAT = "/v1/chat/completions"
LONG_TEXT = "word " * 300_000


class Ended(Enum):
    """How a request ended."""

    WELL = "answered, or refused as it deserves"
    RETRYABLE = "may be made again"
    LEFT = "left by its client"


class Client:
    """One program, with a connection that it keeps for as long as it may."""

    def __init__(self, port: int, token: str, model: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        self._token = token
        self._model = model

    def send(self, method: str, path: str, body: bytes | Iterator[bytes] = b"", **headers: str) -> None:
        shown = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"} | headers
        self._connection.request(method, path, body, shown)

    def ask(self, content: Any = "hello", *, priority: int = 10, **members: Any) -> None:
        body = {"model": self._model, "messages": [{"role": "user", "content": content}], "max_tokens": 8} | members
        self.send("POST", f"{CHAT}?priority={priority}", json.dumps(body).encode())

    def response(self) -> HTTPResponse:
        """Its head has been read."""
        return self._connection.getresponse()

    def leave(self) -> None:
        """Hangs up; the next request has a connection of its own."""
        self._connection.close()

    def ended(self, status: int = 200) -> Ended:
        """How one ended that deserves this status."""
        response = self.response()
        body = json.loads(response.read())
        if response.status == status:
            return Ended.WELL
        assert response.headers["x-should-retry"] == "true", (response.status, body)
        return retryable(body)

    def stream_ended(self) -> Ended:
        response = self.response()
        if response.status != 200:
            assert response.headers["x-should-retry"] == "true", response.status
            return retryable(json.loads(response.read()))
        *_, last = (line.removeprefix(b"data: ").strip() for line in response if line.startswith(b"data: "))
        return Ended.WELL if last == b"[DONE]" else retryable(json.loads(last))


def retryable(body: Json) -> Ended:
    code = body["error"]["code"]
    assert code in _retryable_kinds(), body
    return Ended.RETRYABLE


@cache
def _retryable_kinds() -> frozenset[str]:
    contract = json.loads((ROOT / "schemas/errors.json").read_text())
    return frozenset(row["kind"] for row in contract["errors"] if row["retryable"])


Sort = Callable[[Client], Ended]


def answer(client: Client) -> Ended:
    client.ask()
    return client.ended()


def urgent_answer(client: Client) -> Ended:
    client.ask(priority=1)
    return client.ended()


def stream(client: Client) -> Ended:
    client.ask(stream=True, max_tokens=24)
    return client.stream_ended()


def urgent_stream(client: Client) -> Ended:
    client.ask(priority=1, stream=True, max_tokens=24)
    return client.stream_ended()


def answer_left_at_once(client: Client) -> Ended:
    client.ask(max_tokens=2000)
    client.leave()
    return Ended.LEFT


def stream_left_half_way(client: Client) -> Ended:
    client.ask(stream=True, max_tokens=2000)
    for _ in itertools.islice(client.response(), 4):  # two events, and the empty lines behind them
        pass
    client.leave()
    return Ended.LEFT


def schema(client: Client) -> Ended:
    colour = {"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"]}
    form = {"name": "tag", "schema": colour | {"additionalProperties": False}}
    client.ask(max_tokens=100, response_format={"type": "json_schema", "json_schema": form})
    return client.ended()


def tool(client: Client) -> Ended:
    city = {"type": "object", "properties": {"city": {"enum": ["Rome", "Oslo"]}}, "required": ["city"]}
    function = {"name": "weather", "parameters": city | {"additionalProperties": False}}
    client.ask(max_tokens=100, tools=[{"type": "function", "function": function}], tool_choice="required")
    return client.ended()


def large_picture(client: Client) -> Ended:
    client.ask([{"type": "image_url", "image_url": {"url": picture(1024)}}])
    return client.ended()


@cache
def picture(side: int) -> str:
    """A `data:` URL of a square of noise, which cannot be compressed: of 1,024 pixels a side it has 4 MiB."""
    file = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(3 * side**2)).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def text_beyond_the_context(client: Client) -> Ended:
    client.ask(LONG_TEXT)
    return client.ended(400)


def body_beyond_the_cap(client: Client) -> Ended:
    client.send("POST", CHAT, iter([b" " * 2**20] * 25))
    ended = client.ended(413)
    client.leave()
    return ended


def body_that_is_no_json(client: Client) -> Ended:
    client.send("POST", CHAT, b'{"messages": [')
    return client.ended(400)


def member_that_is_unknown(client: Client) -> Ended:
    client.ask(verbosity="high")
    return client.ended(400)


def picture_from_elsewhere(client: Client) -> Ended:
    client.ask([{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}])
    return client.ended(400)


def wrong_token(client: Client) -> Ended:
    client.send("POST", CHAT, b"{}", Authorization="Bearer kf-wrong")
    return client.ended(401)


def models(client: Client) -> Ended:
    client.send("GET", "/v1/models")
    return client.ended()


def health(client: Client) -> Ended:
    client.send("GET", "/health")
    response = client.response()
    assert json.loads(response.read())["status"] in ({200: ["ok"], 503: ["starting"]}[response.status])
    return Ended.WELL


DECK: dict[Sort, int] = {
    answer: 20,
    urgent_answer: 10,
    stream: 16,
    urgent_stream: 8,
    answer_left_at_once: 4,
    stream_left_half_way: 10,
    schema: 5,
    tool: 5,
    large_picture: 3,
    text_beyond_the_context: 1,
    body_beyond_the_cap: 1,
    body_that_is_no_json: 2,
    member_that_is_unknown: 2,
    picture_from_elsewhere: 2,
    wrong_token: 3,
    models: 4,
    health: 4,
}
"""How many of each sort there are in a hundred."""


class Traffic:
    """Asks of all sorts in turn. `ends` counts how each ended, `answered` is set whenever the engine has answered."""

    def __init__(self, port: int, token: str, model: str, seed: int) -> None:
        deck = [sort for sort, count in DECK.items() for _ in range(count)]
        random.Random(seed).shuffle(deck)
        self.ends: Counter[tuple[str, Ended]] = Counter()
        self.answered = threading.Event()
        self._who = port, token, model
        self._sorts = itertools.cycle(deck)
        self._lock = threading.Lock()

    def run(self, requests: int) -> None:
        """Makes so many more requests, and returns when all have ended.

        Raises:
            AssertionError, OSError, HTTPException: one did not end well.
        """
        sorts = iter(list(itertools.islice(self._sorts, requests)))
        with ThreadPoolExecutor(CLIENTS) as threads:
            for asked in [threads.submit(self._ask, sorts) for _ in range(CLIENTS)]:
                asked.result()

    def _ask(self, sorts: Iterator[Sort]) -> None:
        client = Client(*self._who)
        try:
            while sort := self._next(sorts):
                ended = sort(client)
                if sort is answer and ended is Ended.WELL:
                    self.answered.set()
                with self._lock:
                    self.ends[sort.__name__, ended] += 1
        finally:
            client.leave()

    def _next(self, sorts: Iterator[Sort]) -> Sort | None:
        with self._lock:
            return next(sorts, None)
