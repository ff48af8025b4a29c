"""Answers to a chat, whole and in pieces, as OpenAI writes them."""

from typing import Annotated, Literal

from pydantic import Field

from sidecar.protocol.chat_messages import ToolCall
from sidecar.protocol.message import VerbatimMessage


def _absent(value: object) -> bool:
    return value is None


FinishReason = Literal["stop", "length", "tool_calls"]


class LikelyToken(VerbatimMessage):
    token: Annotated[str, Field(description="Its text; bytes that are no whole character show as U+FFFD")]
    logprob: Annotated[float, Field(description="Natural logarithm of the probability the model gave it")]
    bytes: list[int]


class TokenLogprob(LikelyToken):
    top_logprobs: list[LikelyToken]


class Logprobs(VerbatimMessage):
    """Of the text's tokens, those of tool calls left out."""

    content: list[TokenLogprob] | None
    refusal: None = None


class AnswerMessage(VerbatimMessage):
    role: Literal["assistant"] = "assistant"
    content: Annotated[str | None, Field(description="null where the answer is tool calls and nothing else")]
    refusal: None = None
    tool_calls: Annotated[list[ToolCall] | None, Field(exclude_if=_absent)] = None


class Choice(VerbatimMessage):
    index: int
    message: AnswerMessage
    logprobs: Logprobs | None = None
    finish_reason: FinishReason


class PromptTokensDetails(VerbatimMessage):
    cached_tokens: Annotated[int, Field(description="Taken from an earlier request's work")] = 0


class Usage(VerbatimMessage):
    """Tokens. Those of a picture count as prompt; the prompt counts once, also where there are several choices."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails = PromptTokensDetails()


class Timings(VerbatimMessage):
    """Of the first choice. Milliseconds from the request's arrival until the engine computes something for it
    (`queue_ms`, with the opening of its pictures, and the model's loading where it was not loaded), from there to the
    first token (`prefill_ms`), and both."""

    queue_ms: float
    prefill_ms: float
    ttft_ms: float
    tokens_per_second: Annotated[float | None, Field(description="After the first token; null if there was but one")]


class ChatCompletion(VerbatimMessage):
    """The whole answer, also after it was streamed."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: Annotated[int, Field(description="Unix time in seconds")]
    model: str
    choices: Annotated[list[Choice], Field(min_length=1)]
    usage: Usage
    timings: Timings


class FunctionDelta(VerbatimMessage):
    name: Annotated[str | None, Field(exclude_if=_absent)] = None
    arguments: str = ""


class ToolCallDelta(VerbatimMessage):
    """The first of each call carries its id, type and name, the others more of its arguments."""

    index: int
    id: Annotated[str | None, Field(exclude_if=_absent)] = None
    type: Annotated[Literal["function"] | None, Field(exclude_if=_absent)] = None
    function: FunctionDelta


class Delta(VerbatimMessage):
    role: Annotated[Literal["assistant"] | None, Field(exclude_if=_absent)] = None
    content: Annotated[str | None, Field(exclude_if=_absent)] = None
    tool_calls: Annotated[list[ToolCallDelta] | None, Field(exclude_if=_absent)] = None


class ChunkChoice(VerbatimMessage):
    index: int
    delta: Delta
    logprobs: Logprobs | None = None
    finish_reason: FinishReason | None = None


class ChatCompletionChunk(VerbatimMessage):
    """One piece of a streamed answer. With `include_usage` the last one has no choice, only the usage."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: Annotated[int, Field(description="Unix time in seconds")]
    model: str
    choices: Annotated[list[ChunkChoice], Field(max_length=1)]
    usage: Annotated[Usage | None, Field(exclude_if=_absent)] = None
    timings: Annotated[Timings | None, Field(description="With the last choice's end", exclude_if=_absent)] = None
