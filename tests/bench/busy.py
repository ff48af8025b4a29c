"""A sidecar whose pipe and processor are busy with other things than answering.

Four jobs, each begun again when it ends: the most awkward lines there are, one after another, which are refused at
different moments; 500 small requests at once, which are cancelled again; a large schema, which is compiled; and a file
of 1 GB that is downloaded from a hub on this computer, and so hashed in the sidecar's own process.
"""

from __future__ import annotations

import itertools
import json
import random
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.bench.answer import PATIENCE
from tests.bench.client import Client
from tests.bench.prompts import picture_url
from tests.bench.repository import Repository
from tests.pipe import ROOT, Json, RpcError

GIGABYTE = 10**9
LINE_PAUSE = 0.5  # seconds between two long lines: whoever only sends them leaves no room for a request in the pipe
BURST = 500
BURST_PAUSE = 5.0  # seconds until the next one: the batch shall work, too
SCHEMA_PAUSE = 2.0  # seconds until the next one, which takes a fifth of one alone
_BALLAST = "knowledge-focus/ballast"
_BALLAST_ID = "ballast"
_COMPLETED = "builtin-model-download-completed"


@contextmanager
def ballast(repository: Repository, folder: Path, size: int) -> Iterator[Repository]:
    """The same model with a catalog that lists a second one too: a file of `size` bytes, served by a hub in a process
    of its own."""
    files = folder / "ballast"
    files.mkdir(parents=True)
    (files / "config.json").write_text("{}")
    with (files / "model.safetensors").open("wb") as weights:
        weights.truncate(size)
    command = [sys.executable, "-m", "tests.hub", "--folder", str(files), "--repository", _BALLAST]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as hub:
        try:
            assert hub.stdout
            url = hub.stdout.readline().strip()
            catalog: Json = json.loads(repository.catalog.read_text())
            ours = catalog["models"][0]
            second = {name: ours[name] for name in ("displayName", "capabilities")}
            catalog["models"].append(second | {"id": _BALLAST_ID, "repository": _BALLAST, "mirrors": [url]})
            (folder / "catalog.json").write_text(json.dumps(catalog))
            yield Repository(repository.folder, folder / "catalog.json")
        finally:
            hub.kill()


class Busy:
    """The jobs, while it is entered. `done` counts how often each was finished, `refused` says which the sidecar does
    not offer. Whoever cancels all chats ends those of the jobs as well."""

    def __init__(self, client: Client, data_dir: Path, line_bytes: int) -> None:
        self._client = client
        self._downloaded = data_dir / "builtin_models" / f"models--{_BALLAST.replace('/', '--')}"
        self._lines = itertools.cycle(_chat_bytes(body) for body in _awkward(line_bytes))
        self._leaving = threading.Event()
        self.done = {"lines": 0, "burst": 0, "schema": 0, "file": 0}
        self.refused: dict[str, str] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Busy:
        jobs: dict[str, Callable[[], Any]] = {
            "lines": self._send_line,
            "burst": self._send_burst,
            "schema": self._compile_schema,
            "file": self._hash_file,
        }
        for name, job in jobs.items():
            thread = threading.Thread(target=self._repeat, args=(name, job), daemon=True)
            thread.start()
            self._stack.callback(thread.join)
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._client.cancel_all()
        self._stack.close()

    def _repeat(self, name: str, job: Callable[[], Any]) -> None:
        while not self._leaving.is_set():
            try:
                job()
            except RpcError as error:
                if error.kind != "request_cancelled":
                    self.refused[name] = str(error)
                    return
            else:
                self.done[name] += 1

    def _send_line(self) -> None:
        self._client.chat_bytes(next(self._lines)).wait()
        self._leaving.wait(LINE_PAUSE)

    def _send_burst(self) -> None:
        ids = [str(uuid.uuid4()) for _ in range(BURST)]
        request = {"jsonrpc": "2.0", "method": "chat/completions", "params": _asked("Hello") | {"priority": 10}}
        self._client.write_bytes(b"".join(json.dumps({"id": each} | request).encode() + b"\n" for each in ids))
        self._leaving.wait(LINE_PAUSE)
        for each in ids:  # or the batch's other work would never have its turn
            self._client.cancel(each)
        for each in ids:
            self._client.response(each, timeout=PATIENCE)
        self._leaving.wait(BURST_PAUSE)

    def _compile_schema(self) -> None:
        """It is compiled as it comes, and answered when the batch has a row for it, which would be after all others."""
        request = self._client.send("chat/completions", _large_schema(self.done["schema"]) | {"priority": 10})
        self._leaving.wait(SCHEMA_PAUSE)
        self._client.cancel(request)
        try:
            self._client.result(request, timeout=PATIENCE)
        except RpcError as error:
            if error.kind != "request_cancelled":
                raise

    def _hash_file(self) -> None:
        self._client.request("models/download", {"modelId": _BALLAST_ID})
        self._client.notification(_COMPLETED, timeout=120)
        shutil.rmtree(self._downloaded)  # so that the next one begins at its first byte


def _chat_bytes(body: Json) -> bytes:
    """Written once: to write 30 MiB of JSON takes this process long enough to spoil what it measures."""
    return json.dumps({"max_tokens": 1, "temperature": 0, "priority": 10} | body).encode()


def _awkward(size: int) -> Iterator[Json]:
    """Lines of so many bytes, and the most values that are looked at: a picture, text parts and a tool without end, the
    most messages that are allowed. None comes to the engine thread: they are lines, and no work."""
    side = int((size * 3 / 4 / 3) ** 0.5)  # base64 of 3 bytes a pixel
    picture = {"type": "image_url", "image_url": {"url": picture_url(side, side, random.Random(5))}}
    part = {"type": "text", "text": "What is this?"}
    yield _asked([picture, part]) | {"temperature": 9}
    yield _asked([part] * (size // 50))
    properties = {f"p{number}": {"type": "string"} for number in range(size // 32)}
    function = {"name": "f", "parameters": {"type": "object", "properties": properties}}
    yield _asked("Hello") | {"tools": [{"type": "function", "function": function}]}
    yield {"messages": _asked([part])["messages"] * 4096, "tool_choice": "required"}


def _asked(content: str | list[Json]) -> Json:
    return {"messages": [{"role": "user", "content": content}]}


def _large_schema(seed: int) -> Json:
    """300 members of several kinds, some with patterns and long lists of choices; another one for each seed."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghij", k=8)) for _ in range(2000)]
    kinds: list[Callable[[int], Json]] = [
        lambda at: {"type": "string", "enum": words[at : at + 200]},
        lambda _: {"type": "string", "pattern": "^[a-z]{2,20}(-[0-9]{1,6})?$"},
        lambda _: {"type": "array", "maxItems": 8, "items": {"type": "integer", "minimum": -1000, "maximum": 1000}},
        lambda _: {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": ["string", "null"]}}},
    ]
    properties = {f"member{at}": kinds[at % len(kinds)](at) for at in range(300)}
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    json_schema = {"name": "large", "schema": schema}
    return {
        "messages": [{"role": "user", "content": "Fill the form in."}],
        "response_format": {"type": "json_schema", "json_schema": json_schema},
    }
