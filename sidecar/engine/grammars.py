"""The grammars of one model's requests. From any thread."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict

from sidecar.engine import grammar, messages
from sidecar.engine.compiling import Compiling
from sidecar.engine.grammar import Grammar, Vocabulary
from sidecar.engine.request import GenerationRequest, RequestPriority
from sidecar.engine.trials import Trials
from sidecar.errors import InvalidSchema

MOST_KEPT = 16  # a batch has one, the app a few; the largest takes some MB


class Grammars:
    """Compiles them, and keeps those used last: a batch asks for the same answer again and again."""

    def __init__(self, vocabulary: Vocabulary, trials: Trials | None = None) -> None:
        self._vocabulary = vocabulary
        self._trials = trials or Trials()
        # Those that are refused, too; in the order of their last use.
        self._kept: OrderedDict[bytes, Grammar | InvalidSchema] = OrderedDict()
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
        """Gives back what the processes hold that grammars are tried in."""
        self._trials.rest()

    def _tried(self, request: GenerationRequest, compiling: Compiling | None) -> Grammar:
        compiling = compiling or Compiling()
        with self._trials.one(gives_way=request.priority is not RequestPriority.HIGH) as trial:
            compiling.on(trial)
            try:
                return grammar.compiled(request, self._vocabulary, compiling)
            finally:
                compiling.on(None)


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
