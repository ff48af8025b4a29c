"""A client of the sidecar that notes when each piece of an answer arrived."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.answer import PATIENCE, Answer, body_of
from tests.bench.repository import Repository
from tests.pipe import Json, Pipe


class Client(Pipe):
    """The sidecar, with answers that are timed in the thread that reads them. Several threads may ask."""

    methods: frozenset[str] = frozenset()
    """What the sidecar offers; known after the handshake."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._running: dict[str | int, tuple[Answer, Callable[[Answer], None] | None]] = {}
        self._writing = threading.Lock()
        super().__init__(*arguments, **options)

    @classmethod
    def serving(cls, repository: Repository, data_dir: Path, *arguments: str, module: str = "sidecar") -> Client:
        """A sidecar with that model on disk and those more arguments, after the handshake."""
        repository.place(data_dir)
        client = cls.sidecar(data_dir, repository.catalog, *arguments, module=module)
        client.methods = frozenset(client.initialize()["methods"])
        return client

    def chat(
        self, messages: str | list[Json], *, on_end: Callable[[Answer], None] | None = None, **members: Any
    ) -> Answer:
        body = body_of(messages, members)
        return self.chat_bytes(json.dumps(body, ensure_ascii=False).encode(), on_end=on_end)

    def chat_bytes(self, body: bytes, *, on_end: Callable[[Answer], None] | None = None) -> Answer:
        """Sends a chat whose body is JSON already."""
        request_id = str(uuid.uuid4())
        head = json.dumps({"jsonrpc": "2.0", "id": request_id, "method": "chat/completions"}).encode()
        line = b"".join((head[:-1], b', "params": ', body, b"}\n"))
        answer = Answer(time.perf_counter())
        self._running[request_id] = answer, on_end
        self.write_bytes(line)
        return answer

    def cancel_all(self) -> None:
        running = list(self._running.items())
        for request_id, _ in running:
            self.cancel(request_id)
        for _, (answer, _) in running:
            answer.wait()

    def status(self) -> Json:
        """`engine/status`."""
        return self.request("engine/status", {}, timeout=PATIENCE)

    def write_bytes(self, data: bytes) -> None:
        with self._writing:
            super().write_bytes(data)

    def _received(self, line: bytes) -> None:
        now = time.perf_counter()
        message = json.loads(line)
        if message.get("method") == "chat/chunk":
            if running := self._running.get(message["params"]["requestId"]):
                running[0].take_chunk(message["params"]["chunk"], now)
        elif "method" not in message and (running := self._running.pop(message.get("id"), None)):
            answer, on_end = running
            answer.take_end(now, result=message.get("result"), error=message.get("error"))
            if on_end:
                on_end(answer)
        elif message.get("method") != "engine/status":  # told at every request; `status` asks for it
            super()._received(line)
