"""From the events of a stream of `/chat/completions` to the pieces of an answer."""

from __future__ import annotations

import codecs
import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, Literal

from sidecar.engine import Finished, Piece, TextDelta, TokenLogprob, ToolCallDelta

Reason = Literal["stop", "length", "tool_calls"]
REASONS: Mapping[str, Reason] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
FILTERED = "content_filter"
BROKEN_OFF = frozenset({"error", "abort"})  # OpenRouter's and vLLM's
MOST_CALLS = 1024  # of one answer
MOST_TOKENS = 10**9
IMPOSSIBLE = -9999.0  # OpenAI's logarithm of a probability of 0; JSON has no infinity


class NotAnAnswer(Exception):  # noqa: N818 (told as ProviderAnswerInvalid)
    """An event that is none of a chat completion."""


class BrokenOff(Exception):  # noqa: N818 (told as ProviderRejected or ProviderFailed)
    """The server ended an answer before its end, and says so; `reason` is its own word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def sound(text: str) -> str:
    """The text with halves of surrogate pairs, which JSON can hold and UTF-8 cannot, replaced by U+FFFD."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


# Servers that count in UTF-16 may send a character as two halves in two pieces.
_UTF16 = partial(codecs.getincrementaldecoder("utf-16-le"), "replace")


@dataclass
class _Choice:
    """What of one of the `n` answers has come. `calls` are its tool calls: the server's own index, and the id."""

    calls: list[tuple[object, str]] = field(default_factory=list)
    text: codecs.IncrementalDecoder = field(default_factory=_UTF16)
    begun: bool = False
    reason: Reason | None = None


class GrowingAnswer:
    """Takes the events as they come; the ends of all choices are told last, together with the usage."""

    def __init__(self, choices: int, *, queued_seconds: float) -> None:
        """`queued_seconds` is how long the request had waited before it was sent, most of all for its place at the
        server."""
        self._choices = [_Choice() for _ in range(choices)]
        self._queued = queued_seconds
        self._began = time.monotonic() - queued_seconds
        self._first: float | None = None
        self._last = 0.0
        self._usage: Mapping[str, Any] = {}

    @property
    def ended(self) -> bool:
        """Whether all choices have come to their end."""
        return all(choice.reason is not None for choice in self._choices)

    @property
    def lacks_choices(self) -> bool:
        """Whether some choices have ended and others not even begun: not all servers know `n`."""
        return any(choice.reason for choice in self._choices) and not all(choice.begun for choice in self._choices)

    def push(self, event: object) -> Iterator[Piece]:
        """The pieces in one event; one may hold none.

        Raises:
            NotAnAnswer: it is no event of a chat completion.
            BrokenOff: the answer ends with it, and is not whole.
        """
        if not isinstance(event, Mapping):
            raise NotAnAnswer("an event that is no object")
        choices, usage = event.get("choices"), event.get("usage")
        if not isinstance(choices, list) and (choices is not None or usage is None):
            raise NotAnAnswer("an event without choices")
        if isinstance(usage, Mapping):
            self._usage = usage
        for choice in choices or ():
            yield from self._pushed(choice)

    def ends(self) -> Iterator[Finished]:
        """The ends of all choices. Tokens are those that the server counted, and 0 where it counted none; it counts
        those of all choices together, so the first one's end has them."""
        total = time.monotonic() - self._began
        first = total if self._first is None else self._first
        prompt, completion = _count(self._usage, "prompt_tokens"), _count(self._usage, "completion_tokens")
        details = self._usage.get("prompt_tokens_details")
        cached = _count(details, "cached_tokens") if isinstance(details, Mapping) else 0
        writing = self._last - first
        for index, choice in enumerate(self._choices):
            assert choice.reason is not None
            yield Finished(
                finish_reason=choice.reason,
                prompt_tokens=prompt,
                cached_tokens=min(cached, prompt),
                completion_tokens=0 if index else completion,
                queued_seconds=self._queued,
                first_token_seconds=first,
                total_seconds=total,
                tokens_per_second=(completion - 1) / writing if completion > 1 and writing > 0 and not index else None,
                choice=index,
            )

    def _pushed(self, choice: object) -> Iterator[Piece]:
        if not isinstance(choice, Mapping):
            raise NotAnAnswer("a choice that is no object")
        index = choice.get("index") or 0
        if not isinstance(index, int) or not 0 <= index < len(self._choices):
            raise NotAnAnswer("a choice that was not asked for")
        growing = self._choices[index]
        growing.begun = True
        delta = choice.get("delta") or {}
        if not isinstance(delta, Mapping):
            raise NotAnAnswer("a delta that is no object")
        if growing.reason is None:
            text, calls = _text(growing, delta, choice.get("logprobs"), index), _calls(growing, delta, index)
            for piece in chain[TextDelta | ToolCallDelta](text, calls):
                self._last = time.monotonic() - self._began
                self._first = self._last if self._first is None else self._first
                yield piece
        self._end(growing, choice.get("finish_reason"))

    def _end(self, choice: _Choice, reason: object) -> None:
        if reason is None or reason == "" or choice.reason is not None:
            return
        if not isinstance(reason, str):
            raise NotAnAnswer("a finish_reason that is no word")
        if reason == FILTERED or reason in BROKEN_OFF:
            # Told as "stop" half an answer would pass for a whole one.
            raise BrokenOff(reason)
        # Other words than OpenAI's ("eos", "end_turn", …) are all of answers that are whole. After calls some servers
        # say "stop", OpenAI's where a tool was named.
        said = REASONS.get(reason, "stop")
        choice.reason = "tool_calls" if said == "stop" and choice.calls else said


def _text(growing: _Choice, delta: Mapping[str, Any], logprobs: object, choice: int) -> Iterator[TextDelta]:
    content, refusal = delta.get("content"), delta.get("refusal")
    for text in (content, refusal):  # a refusal is what the model says, too
        if not isinstance(text, str | None):
            raise NotAnAnswer("content that is no text")
    text = growing.text.decode(((content or "") + (refusal or "")).encode("utf-16-le", "surrogatepass"))
    listed = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    likely = tuple(_logprob(token, alternatives=True) for token in listed) if isinstance(listed, list) else ()
    if text or likely:
        yield TextDelta(text, likely, choice)


def _logprob(token: object, *, alternatives: bool) -> TokenLogprob:
    text, logprob, raw = _members(token, "token", "logprob", "bytes")
    if not isinstance(text, str) or not isinstance(logprob, int | float) or logprob != logprob:
        raise NotAnAnswer("a log-probability that is none")
    try:
        own = bytes(raw) if isinstance(raw, list) else sound(text).encode()
    except (TypeError, ValueError) as error:
        raise NotAnAnswer("bytes that are none") from error
    (top,) = _members(token, "top_logprobs")
    likely = top if alternatives and isinstance(top, list) else ()
    probability = float(max(min(logprob, 0), IMPOSSIBLE))
    return TokenLogprob(own, probability, tuple(_logprob(other, alternatives=False) for other in likely))


def _members(value: object, *names: str) -> list[object]:
    return [value.get(name) if isinstance(value, Mapping) else None for name in names]


def _calls(growing: _Choice, delta: Mapping[str, Any], choice: int) -> Iterator[ToolCallDelta]:
    calls = delta.get("tool_calls") or ()
    if not isinstance(calls, Sequence) or isinstance(calls, str):
        raise NotAnAnswer("tool calls that are no list")
    for call in calls:
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping):
            raise NotAnAnswer("a tool call without a function")
        yield from _call(growing, call, function, choice)


def _call(
    growing: _Choice, call: Mapping[str, Any], function: Mapping[str, Any], choice: int
) -> Iterator[ToolCallDelta]:
    own, name, arguments = call.get("id"), function.get("name"), function.get("arguments")
    identity = sound(own) if isinstance(own, str) and own else None
    at = _known(growing, call.get("index"), identity, named=bool(name))
    if at is None:
        if not isinstance(name, str) or not name or len(growing.calls) == MOST_CALLS:
            raise NotAnAnswer("a tool call without a name")
        at, identity = len(growing.calls), identity or f"call_{secrets.token_hex(12)}"
        name = sound(name)
        growing.calls.append((call.get("index"), identity))
        yield ToolCallDelta(at, id=identity, name=name, choice=choice)
    if isinstance(arguments, Mapping):
        arguments = json.dumps(arguments)
    if not isinstance(arguments, str | None):
        raise NotAnAnswer("arguments that are no text")
    if arguments:
        yield ToolCallDelta(at, sound(arguments), choice=choice)


def _known(growing: _Choice, index: object, identity: str | None, *, named: bool) -> int | None:
    """Which of the calls so far a piece goes on with, None if it begins one. Not by the index alone: Ollama gave all
    calls the index 0; nor by the id alone: vLLM gave each piece another, but only the first a name."""
    calls = list(enumerate(growing.calls))[::-1]
    for at, (_, known) in calls:
        if identity == known:
            return at
    if named and (identity is not None or index is None):
        return None
    for at, (known_index, _) in calls:
        if index is None or known_index == index:
            return at
    return None


def _count(usage: Mapping[str, Any], member: str) -> int:
    count = usage.get(member)
    return count if isinstance(count, int) and 0 <= count <= MOST_TOKENS else 0
