"""`chat/completions`: OpenAI's Chat Completions, verbatim, with members of our own (`priority`, `origin`, `requestId`).

Reference: https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ModelWrapValidatorHandler, ValidationError, model_validator

from sidecar.errors import InvalidRequest
from sidecar.protocol import openai_members
from sidecar.protocol.chat_answer import ChatCompletion, ChatCompletionChunk
from sidecar.protocol.chat_messages import AnyMessage, NamedTool, RequestPart, ResponseFormat, Tool
from sidecar.protocol.message import Message, Method, Notification, RequestId, VerbatimMessage

MAX_MESSAGES = 4096
"""Far more than any context holds, and so are as many parts of all messages together."""
MAX_ERRORS = 10
MAX_PATH_CHARACTERS = 200


class StreamOptions(RequestPart):
    include_usage: bool = False
    include_obfuscation: Annotated[bool, Field(description="Without effect: nothing is sent over a network")] = False


Stop = Annotated[str, Field(min_length=1, max_length=1000)]
MaxTokens = Annotated[int, Field(ge=1, le=1_000_000)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
TokenId = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,6})$")]
Bias = Annotated[float, Field(ge=-100, le=100)]


def _whole(value: Any) -> Any:
    # For Literal, True and 1.0 are 1.
    if isinstance(value, bool | float):
        raise ValueError("not a whole number")
    return value


Priority = Annotated[
    Literal[1, 10],
    BeforeValidator(_whole),
    Field(description="1: a person waits for it; 10 (default): it can wait"),
]


Origin = Annotated[
    Literal["window", "proxy"],
    Field(description="proxy: another program asks, through the localhost proxy; set by the shell alone"),
]


class ChatCompletionRequest(VerbatimMessage):
    """OpenAI's request body. A member without effect here is accepted, one that would change the answer is refused
    by name (`openai_members`); null is the same as absent.

    What does not fit is an `InvalidRequest` that names the member, as at OpenAI, and not this pipe's `InvalidParams`.
    """

    messages: Annotated[list[AnyMessage], Field(min_length=1, max_length=MAX_MESSAGES)]
    model: Annotated[
        str | None,
        Field(max_length=500, description="A model's id or repository; absent or auto: the app chooses"),
    ] = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    top_k: Annotated[int | None, Field(ge=-1, le=1_000_000, description="0 or -1: all tokens")] = None
    min_p: Annotated[float | None, Field(ge=0, le=1)] = None
    seed: Annotated[int | None, Field(ge=-(2**63), le=2**63 - 1)] = None
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = None
    max_tokens: MaxTokens | None = None
    max_completion_tokens: MaxTokens | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: Annotated[dict[TokenId, Bias], Field(max_length=1024)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int | None, Field(ge=0, le=20)] = None
    n: Annotated[int | None, Field(ge=1, le=4)] = None
    response_format: ResponseFormat | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    priority: Priority | None = None
    origin: Origin | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _named(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        kept = openai_members.checked(value, known=cls.model_fields, table=openai_members.OF_A_REQUEST)
        _refuse_too_many(kept)
        try:
            request = handler(kept)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False, include_input=False)
            raise InvalidRequest(
                f"{error.error_count()} members do not fit",
                member=_path(problems[0]["loc"][:1]),
                errors=[
                    {"path": _path(problem["loc"]), "problem": problem["type"]} for problem in problems[:MAX_ERRORS]
                ],
            ) from error
        request._agreeing()
        return request

    def _agreeing(self) -> None:
        both = (self.max_tokens, self.max_completion_tokens)
        if None not in both and both[0] != both[1]:
            raise InvalidRequest("max_tokens and max_completion_tokens disagree", member="max_tokens")
        if self.top_logprobs and not self.logprobs:
            raise InvalidRequest("top_logprobs goes with logprobs: true", member="top_logprobs")
        if self.stream_options and not self.stream:
            raise InvalidRequest("stream_options goes with stream: true", member="stream_options")


def _refuse_too_many(request: Any) -> None:
    """Before a model is made of each of them."""
    messages = request.get("messages") if isinstance(request, Mapping) else None
    if not isinstance(messages, list):
        return  # pydantic says what is wrong with it
    contents = [message.get("content") for message in messages if isinstance(message, Mapping)]
    parts = sum(len(content) for content in contents if isinstance(content, list))
    if max(len(messages), parts) > MAX_MESSAGES:
        raise InvalidRequest(
            f"more than {MAX_MESSAGES} messages or parts",
            member="messages",
            errors=[{"path": "messages", "problem": "too_long"}],
        )


def _path(place: Sequence[int | str]) -> str:
    return ".".join(map(str, place))[:MAX_PATH_CHARACTERS]


class ChatChunkParams(Message):
    request_id: Annotated[RequestId, Field(description="The id of the chat/completions request")]
    chunk: ChatCompletionChunk


COMPLETIONS = Method(
    "chat/completions",
    ChatCompletionRequest,
    ChatCompletion,
    "Answers a chat; with stream: true its pieces are notified as chat/chunk meanwhile",
    ("window", "proxy"),
)
CHUNK = Notification("chat/chunk", ChatChunkParams, "One piece of a streamed answer")

METHODS: tuple[Method[Any, Any], ...] = (COMPLETIONS,)
NOTIFICATIONS: tuple[Notification[Any], ...] = (CHUNK,)
