"""The grammars of one model's requests. From any thread."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict

from sidecar.engine import grammar, messages, tools
from sidecar.engine.compiling import Compiling
from sidecar.engine.grammar import Grammar, Vocabulary
from sidecar.engine.request import GenerationRequest, RequestPriority
from sidecar.errors import InvalidSchema
from sidecar.worker.trial import Trial

MOST_KEPT = 16  # a batch has one, the app a few; the largest takes some MB


class Grammars:
    """Compiles them, and keeps those used last: a batch asks for the same answer again and again."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        # Those that are refused, too; in the order of their last use.
        self._kept: OrderedDict[bytes, Grammar | InvalidSchema] = OrderedDict()
        # No more than threads compile at once; the batch's give way to everything else.
        self._idle: dict[bool, list[Trial]] = {False: [], True: []}
        self._lock = threading.Lock()

    def compiled(self, request: GenerationRequest, compiling: Compiling | None = None) -> Grammar:
        """The request's, at its beginning. Raises what `grammar.compiled` does."""
        if (key := _key(request)) is None:
            return self._tried(request, compiling)
        with self._lock:
            if (kept := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return _copy(kept)
        try:
            kept = self._tried(request, compiling)
        except InvalidSchema as refused:
            kept = InvalidSchema(refused.message, **refused.details)  # without the frames that it was raised in
        with self._lock:
            self._kept[key] = kept
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return _copy(kept)

    def rest(self) -> None:
        """Ends the processes that it has for the next ones."""
        with self._lock:
            for idle in self._idle.values():
                idle.clear()

    def _tried(self, request: GenerationRequest, compiling: Compiling | None) -> Grammar:
        compiling = compiling or Compiling()
        gives_way = request.priority is not RequestPriority.HIGH
        with self._lock:
            idle = self._idle[gives_way]
            trial = idle.pop() if idle else Trial((tools.CALL, tools.CALL_END), gives_way=gives_way)
        compiling.on(trial)
        try:
            return grammar.compiled(request, self._vocabulary, compiling)
        finally:
            compiling.on(None)
            with self._lock:
                idle.append(trial)


def _copy(kept: Grammar | InvalidSchema) -> Grammar:
    if isinstance(kept, InvalidSchema):
        raise InvalidSchema(kept.message, **kept.details)
    return kept.copy()


def _key(request: GenerationRequest) -> bytes | None:
    """Of all that its grammar depends on. None where it is the request's alone: it goes on from a text of its own, or
    what it asks for is not even JSON."""
    if messages.is_continued(request.messages):
        return None
    key = hashlib.sha256(request.parallel_tool_calls.to_bytes())
    functions = [each["function"] for each in request.callable_tools]
    asked = [request.schema, request.tool_choice, *([each["name"], each.get("parameters")] for each in functions)]
    try:
        for each in asked:  # one by one, as they may be large together
            key.update(json.dumps(each).encode() + b"\n")
    except (RecursionError, TypeError, ValueError):
        return None
    return key.digest()
