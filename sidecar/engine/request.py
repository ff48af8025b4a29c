"""What goes into the engine and what comes out of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sidecar.engine import messages as conversation
from sidecar.engine import schema_size
from sidecar.engine import tools as tool
from sidecar.errors import InvalidRequest, SidecarError
from sidecar.worker.picture import Picture

if TYPE_CHECKING:  # brings llguidance along: for requests that need it
    from sidecar.engine.grammar import Grammar
    from sidecar.engine.grammars import Grammars

MAX_CHOICES = 4
MAX_TOP_LOGPROBS = 20

# Member → its smallest and its largest value.
RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_k": (-1, 1_000_000),
    "min_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "max_tokens": (1, 1_000_000),
    "top_logprobs": (0, MAX_TOP_LOGPROBS),
    "n": (1, MAX_CHOICES),
}


class RequestPriority(IntEnum):
    """Who waits for the answer: a person in front of the screen, or nobody."""

    HIGH = 1
    LOW = 10


Rank = tuple[RequestPriority, bool]
"""A priority, and within that of people whether another program asks."""


@dataclass(frozen=True)
class GenerationRequest:
    """One chat to be continued by the model. All timings count from when it `arrived`, a moment of `time.monotonic`.

    `messages` are OpenAI chat messages; an image part's URL is `data:…;base64,…` or `attachment:<sha256>`. If the last
    one is the assistant's, the answer is its continuation. A `guest` is another program than the app: of those for
    whom a person waits it is served after the app's own. `max_tokens` None lets the answer grow to 2,048 tokens;
    the rest of the context is the limit always. `stop` strings end the answer and are not part of it; inside a tool
    call they mean nothing.

    Where `temperature`, `top_p` or `top_k` is None the model's own default counts (`generation_config.json`);
    temperature 0 takes the likeliest token always; `top_k` 0 or -1 keeps all tokens, `min_p` those at least that
    likely in relation to the likeliest. Without `seed` two runs differ. The penalties are subtracted from the logits
    of tokens that the answer holds already, once or for each time; `logit_bias` is added to those of its token ids,
    and -100 forbids a token. `n` answers are drawn, the i-th with `seed` + i.

    With `top_logprobs` each token of the text comes with the log-probability the model itself gave it, before bias,
    penalties, grammar and temperature, and with that many likeliest alternatives.

    With `schema`, a JSON schema, the answer is JSON that validates. `tools` are OpenAI's; `tool_choice` is auto, none,
    required, or `{"name": …}`.
    """

    request_id: str
    messages: Sequence[Mapping[str, Any]]
    priority: RequestPriority = RequestPriority.LOW
    guest: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    top_logprobs: int | None = None
    n: int = 1
    schema: Mapping[str, Any] | None = None
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: tool.Choice = "auto"
    parallel_tool_calls: bool = True
    arrived: float = field(default_factory=time.monotonic, compare=False)

    def check(self) -> None:
        """Raises:
        InvalidRequest: a member is out of its range.
        InvalidSchema: a schema is too large, or of no arguments.
        """
        conversation.check(self.messages)
        for member, (least, most) in RANGES.items():
            value = getattr(self, member)
            if value is not None and not least <= value <= most:
                raise InvalidRequest(f"{member} is between {least} and {most}", member=member)
        if "" in self.stop:
            raise InvalidRequest("a stop string is not empty", member="stop")
        if not all(token >= 0 and -100 <= bias <= 100 for token, bias in self.logit_bias.items()):
            raise InvalidRequest("a bias is a token and between -100 and 100", member="logit_bias")
        if self.schema is not None and self.stop:
            raise InvalidRequest("a stop string would cut JSON that has to validate", member="stop")
        if self.schema is not None:
            schema_size.check(self.schema, "response_format")
        tool.check(self.tools, self.tool_choice)

    @property
    def rank(self) -> Rank:
        """Its place among those that wait: the lowest is next, and equals in the order they came."""
        return self.priority, self.guest and self.priority == RequestPriority.HIGH

    @property
    def is_constrained(self) -> bool:
        """Whether a grammar says what the answer may be."""
        return self.schema is not None or bool(self.callable_tools)

    @property
    def callable_tools(self) -> Sequence[Mapping[str, Any]]:
        """The tools this answer may call."""
        return () if self.tool_choice == "none" else self.tools


@dataclass(frozen=True)
class TokenLogprob:
    """A token's bytes and the natural logarithm of its probability."""

    token: bytes
    logprob: float
    top: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True)
class TextDelta:
    """The next piece of the answer's text; whole characters only. `logprobs` are of the tokens it ends with, if they
    were asked for."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()
    choice: int = 0


@dataclass(frozen=True)
class ToolCallDelta:
    """The next piece of the answer's `index`-th tool call: first id and name, then pieces of the arguments' JSON."""

    index: int
    arguments: str = ""
    id: str | None = None
    name: str | None = None
    choice: int = 0


@dataclass(frozen=True)
class Finished:
    """The end of an answer. Tokens are the model's; those of pictures count as prompt, the end-of-turn token as
    completion; `cached_tokens` of the prompt were read for an earlier request. Seconds count from the request's
    arrival; until `queued_seconds` its pictures were opened, its grammar was compiled, its model was loaded, and it
    waited for its turn and for memory. `tokens_per_second` is the rate after the first token."""

    finish_reason: Literal["stop", "length", "tool_calls"]
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    queued_seconds: float
    first_token_seconds: float
    total_seconds: float
    tokens_per_second: float | None = None
    choice: int = 0


Delta = TextDelta | ToolCallDelta
Piece = Delta | Finished


KvBits = tuple[int | None, int | None]
"""How many bits a number of keys and values has, of people's rows and of the background's; None: the model's own type.
"""


@dataclass(frozen=True)
class ModelFolder:
    """A model to load, and the name its caller knows it by."""

    path: Path
    model_id: str


@dataclass(frozen=True)
class GrammarNeeded:
    """The request's model is loaded now: its grammar can be compiled, by these, and then the request comes again."""

    grammars: Grammars


@dataclass(frozen=True)
class TokensNeeded:
    """The request's text is so long that its tokens are made beside the engine thread, by `encode`, and then the
    request comes again."""

    encode: Callable[[], Sequence[int]]


Delivered = Piece | SidecarError | GrammarNeeded | TokensNeeded


@dataclass(frozen=True)
class Job:
    """One choice of a request on its way through the engine thread: its pictures opened, its grammar compiled if
    its model was loaded. `deliver` is called there and must not block; the last thing delivered is `Finished`, an
    error, or that the grammar or the tokens (`ids`) are needed."""

    folder: ModelFolder
    request: GenerationRequest
    pictures: Sequence[Picture]
    deliver: Callable[[Delivered], None]
    grammar: Grammar | None = None
    ids: Sequence[int] | None = None
