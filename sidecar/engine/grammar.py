"""What an answer may be, as a grammar that says at each token which may follow. llguidance does the work.

No MLX here: grammars are compiled beside the event loop, and walked by the engine thread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer

from sidecar.engine import messages as conversation
from sidecar.engine import tools as tool
from sidecar.engine.compiling import Compiling
from sidecar.engine.enforceable import enforceable
from sidecar.engine.schema_size import MAX_SCHEMA_CHARACTERS, too_large
from sidecar.errors import InvalidRequest, InvalidSchema

if TYPE_CHECKING:
    from sidecar.engine.request import GenerationRequest

RESPONSE_FORMAT = "response_format"  # the member of a request
MAX_REASON_CHARACTERS = 300
LONG_NAME = re.compile(r"(\S{40})\S+|(?<=['\"])([^'\"\n]{40})[^'\"\n]+(?=['\"])")
PLACE = re.compile(r"^at \d+\(\d+\): (?:failed to compile JSON schema: )?")  # in a grammar that nobody sees
WALKED = 3  # tokens of an answer, before its request is taken
NOTHING_FITS = "NoExtension"  # how llguidance's error begins when a grammar has no word at all

# No white space that a model could go on with for ever, and nothing quietly left out of a schema: what cannot be
# enforced is refused.
COMPACT = {"whitespace_flexible": False, "lenient": False, "coerce_one_of": False}
# Text without a choice may come in whatever tokens: to find out which are usual, llguidance would tokenise all that is
# left of it at each step (40 ms for 100 KB), and as the model's tokenizer does, which makes of some text another (an é
# of two characters is one then, `<think>` a token of its own) that the grammar refuses.
OPTIONS = '%llguidance {"no_forcing": true}\n'
# As the chat template writes the arguments of earlier calls.
SPACED = COMPACT | {"item_separator": ", ", "key_separator": ": "}


class Escapes:
    r"""Which tokens would write a character by its number, `\u0061`.

    JSON allows that for any character, and llguidance in a member's name: `{"a": 1, "\u0061": "x"}` is to it an object
    with one `a`, and to whoever reads it one with the other. No answer needs it but for control characters.
    """

    def __init__(self, spellings: Mapping[str, int], size: int) -> None:
        """`spellings` are all tokens in byte-level BPE's alphabet, in which a backslash and a `u` are themselves."""
        bits = (size // 32 + 2) * 32  # at least as many as a mask has
        whole, after = np.ones(bits, bool), np.ones(bits, bool)
        self._backslashes: dict[int, tuple[int, bool]] = {}
        for spelled, token in spellings.items():
            if token < size and "\\u" in spelled:
                whole[token] = after[token] = False
            if token < size and spelled.startswith("u"):
                after[token] = False
            if trailing := len(spelled) - len(spelled.rstrip("\\")):
                self._backslashes[token] = trailing, trailing == len(spelled)
        self._allowed = tuple(np.packbits(mask, bitorder="little") for mask in (whole, after))

    def without(self, mask: bytes, escaping: bool) -> bytes:
        """The mask without them, `escaping` if a backslash comes before; as it is where nothing else would be left."""
        left = np.frombuffer(mask, np.uint8) & self._allowed[escaping][: len(mask)]
        return left.tobytes() if left.any() else mask

    def after(self, token: int, escaping: bool) -> bool:
        """Whether a backslash at the end escapes what follows `token`."""
        backslashes, alone = self._backslashes.get(token, (0, False))
        return (backslashes + (alone and escaping)) % 2 == 1


@dataclass(frozen=True)
class Vocabulary:
    """A model's tokens as llguidance knows them. `call` and `call_end` are those round a tool call, if it has them."""

    tokenizer: LLTokenizer
    escapes: Escapes
    call: int | None
    call_end: int | None


def vocabulary(tokenizer: Any, size: int, ends: frozenset[int]) -> Vocabulary:
    """Built once for each model, as it takes up to a second; `size` is that of the logits, `ends` the tokens that end
    an answer. The first mask is the slowest, so one is made here."""
    tokens = from_tokenizer(tokenizer, n_vocab=size, eos_token=sorted(ends))
    added = {token.content: number for number, token in tokenizer.added_tokens_decoder.items()}
    escapes = Escapes(tokenizer.get_vocab(), size)
    built = Vocabulary(tokens, escapes, added.get(tool.CALL), added.get(tool.CALL_END))
    _checked(_of_json({"type": "object"}, ""), built, "", Compiling())
    return built


class Grammar:
    """Walks along one answer. It holds from the first token, or, where there is a `trigger`, from that token on.
    `member` is the one of the request that asked for it."""

    def __init__(
        self, matcher: LLMatcher, escapes: Escapes, trigger: int | None, member: str, *, escaping: bool = False
    ) -> None:
        """`escaping`: a backslash comes before the first token."""
        self._matcher = matcher
        self._escapes = escapes
        self._escaping = escaping
        self._trigger = trigger
        self._member = member

    def copy(self) -> Grammar:
        """One for another answer to the same request."""
        matcher = self._matcher.deep_copy()
        return Grammar(matcher, self._escapes, self._trigger, self._member, escaping=self._escaping)

    def take_forced(self, most: int) -> list[int]:
        """The tokens that must come next, and goes past them: `most` at most."""
        if self._trigger is not None:
            return []
        ahead = self._matcher.deep_copy()
        ahead.compute_ff_bytes()  # without forcing, llguidance has tokens only for what it was asked to force
        forced: list[int] = ahead.compute_ff_tokens()[:most]
        forced = forced[: self._matcher.validate_tokens(forced)]  # the tokenizer may make another text of it
        self._matcher.consume_tokens(forced)
        for token in forced:
            self._escaping = self._escapes.after(token, self._escaping)
        return forced

    def bitmask(self) -> bytes | None:
        """Which tokens may come next, one bit each from the lowest bit of the first byte on; None: any may.

        Raises:
            InvalidSchema: the schema turned out to be too complex.
        """
        if self._trigger is not None:
            return None
        mask: bytes = self._matcher.compute_bitmask()
        if self._matcher.is_error():
            reason = _reason(self._matcher.get_error())
            raise InvalidSchema("the grammar became too complex", member=self._member, reason=reason)
        return self._escapes.without(mask, self._escaping)

    def advance(self, token: int) -> None:
        """Goes past a token that the mask allowed."""
        if self._trigger is not None:
            if token != self._trigger:
                return
            self._trigger = None
        self._matcher.consume_token(token)
        self._escaping = self._escapes.after(token, self._escaping)


def compiled(request: GenerationRequest, tokens: Vocabulary, compiling: Compiling | None = None) -> Grammar:
    """The request's grammar. Takes milliseconds, for a huge schema a second, most of it without the interpreter's lock.

    Raises:
        InvalidRequest: the model cannot call tools, or the message to be continued does not begin such an answer.
        InvalidSchema: a schema cannot be compiled, or not in time, or no finite answer fits it.
        EngineFailed: `compiling` was cancelled.
    """
    compiling = compiling or Compiling()
    called = tool.chosen(request.callable_tools, request.tool_choice)
    if called and (tokens.call is None or tokens.call_end is None):
        raise InvalidRequest("the model has no token for tool calls", member="tools")
    forced = bool(called) and request.tool_choice != "auto"
    only_calls = request.schema is None or forced
    # Written, and so measured, before any of it is compiled.
    rules = _rules(request, called, only_calls=only_calls) if called else ""
    arguments = {f"tools.{at}.function.parameters": tool.arguments_schema(each) for at, each in enumerate(called)}
    of_arguments = {member: _of_json(schema, member) for member, schema in arguments.items()}
    of_answer = {} if request.schema is None else {RESPONSE_FORMAT: _of_json(request.schema, RESPONSE_FORMAT)}
    if called:
        whose = RESPONSE_FORMAT if not only_calls else next(iter(arguments)) if len(called) == 1 else "tools"
        compiling.try_out({whose: rules}, whose)
        compiling.try_out(of_arguments, "tools")
    compiling.try_out(of_answer, RESPONSE_FORMAT)
    # What survives together does so one by one, which says whose fault an error is.
    matchers = {
        member: _checked(each, tokens, member, compiling) for member, each in (of_arguments | of_answer).items()
    }
    answer = matchers.get(RESPONSE_FORMAT)
    escaping = False
    if answer is None or only_calls:
        matcher = _checked(rules, tokens, "tools", compiling)
        return Grammar(matcher, tokens.escapes, None if forced else tokens.call, "tools")
    if called:
        answer = _checked(rules, tokens, RESPONSE_FORMAT, compiling)
    if conversation.is_continued(request.messages):
        begun = conversation.text_of(request.messages[-1])
        if not answer.consume_tokens(tokens.tokenizer.greedy_tokenize(begun)):
            raise InvalidRequest("the message to be continued does not begin such an answer", member="messages")
        escaping = (len(begun) - len(begun.rstrip("\\"))) % 2 == 1
    return Grammar(answer, tokens.escapes, None, RESPONSE_FORMAT, escaping=escaping)


def _rules(request: GenerationRequest, called: Sequence[Mapping[str, Any]], *, only_calls: bool) -> str:
    parallel = request.parallel_tool_calls
    if only_calls:
        rules = _calls(called, parallel=parallel)
    else:
        either = f"answer: %json {_embedded(request.schema or {}, COMPACT, RESPONSE_FORMAT)}"
        rules = f"{_calls(called, parallel=parallel, otherwise='answer')}\n{either}"
    _check_size(rules, "tools" if only_calls else RESPONSE_FORMAT)
    written: str = LLMatcher.grammar_from_lark(f"{OPTIONS}{rules}\n")
    return written


def _calls(tools: Sequence[Mapping[str, Any]], *, parallel: bool, otherwise: str | None = None) -> str:
    """Rules for an answer that is calls of the tools, or the rule `otherwise`."""
    calls = 'call ("\\n" call)*' if parallel else "call"
    lines = [
        f"start: {calls}" if otherwise is None else f"start: {calls} | {otherwise}",
        f"call: {tool.CALL} {json.dumps(tool.BEFORE_NAME)} function {json.dumps(tool.AFTER_ARGUMENTS)} {tool.CALL_END}",
        f"function: {' | '.join(f'function_{number}' for number in range(len(tools)))}",
    ]
    for number, each in enumerate(tools):
        member = f"tools.{number}.function.parameters"
        head = json.dumps(each["function"]["name"] + tool.BEFORE_ARGUMENTS)
        lines.append(f"function_{number}: {head} %json {_embedded(tool.arguments_schema(each), SPACED, member)}")
    return "\n".join(lines)


def _of_json(schema: Mapping[str, Any], member: str) -> str:
    grammar: str = LLMatcher.grammar_from_lark(f"{OPTIONS}start: %json {_embedded(schema, COMPACT, member)}\n")
    return grammar


def _checked(grammar: str, tokens: Vocabulary, member: str, compiling: Compiling) -> LLMatcher:
    compiling.check()
    matcher = LLMatcher(tokens.tokenizer, grammar, log_level=0)
    error = _reason(matcher.get_error() or _walked(matcher))
    if error.startswith(NOTHING_FITS):
        raise InvalidSchema("no finite answer fits the schema", member=member, reason="no finite answer fits it")
    if error:
        raise InvalidSchema("the schema cannot be compiled", member=member, reason=error)
    return matcher


def _walked(matcher: LLMatcher) -> str:
    """What goes wrong in an answer's first steps: some grammars turn out to be too complex only there."""
    copy = matcher.deep_copy()
    for _ in range(WALKED):
        mask = copy.compute_bitmask()
        if copy.is_error() or copy.is_stopped():
            break
        allowed = next(
            (8 * at + bit for at, byte in enumerate(mask) if byte for bit in range(8) if byte >> bit & 1), None
        )
        if allowed is None:
            break
        copy.consume_token(allowed)
    error: str = copy.get_error()
    return error


def _embedded(schema: Mapping[str, Any], options: Mapping[str, Any], member: str = "") -> str:
    # llguidance reads its options from this member; one that a caller put there is not obeyed.
    try:
        text = json.dumps({**enforceable(schema, member), "x-guidance": options}, allow_nan=False)
    except (RecursionError, ValueError) as error:
        raise InvalidSchema("not a schema", member=member, reason="nested too deep, or not JSON") from error
    _check_size(text, member)
    return text


def _check_size(text: str, member: str) -> None:
    if len(text) > MAX_SCHEMA_CHARACTERS:
        raise too_large(member)


def _reason(error: str) -> str:
    """llguidance's reason, without the state, the backtrace and the lines of the grammar that it adds, and with no more
    than a beginning of any long name: that is what somebody wrote."""
    reason = re.split(r"\s*(?:<(?:state|backtrace)>|\n *\d+ \| )", error, maxsplit=1)[0].strip()
    return LONG_NAME.sub(r"\1\2…", PLACE.sub("", reason))[:MAX_REASON_CHARACTERS]
