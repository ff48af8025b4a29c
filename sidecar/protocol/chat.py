"""`chat/completions`: OpenAI's Chat Completions, verbatim, with two members of our own (`priority`, `requestId`).

Reference: https://platform.openai.com/docs/api-reference/chat
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sidecar.protocol import openai_members
from sidecar.protocol.message import Message, Method, Notification, RequestId, VerbatimMessage


class TextPart(VerbatimMessage):
    type: Literal["text"]
    text: str


class ImageUrl(VerbatimMessage):
    url: Annotated[str, Field(description="data:image/…;base64,… or attachment:<sha256>; nothing is fetched")]
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(VerbatimMessage):
    type: Literal["image_url"]
    image_url: ImageUrl


TextParts = Annotated[list[TextPart], Field(min_length=1)]
UserParts = Annotated[list[Annotated[TextPart | ImagePart, Field(discriminator="type")]], Field(min_length=1)]


class ChatMessage(VerbatimMessage):
    """What the messages of all roles share."""

    @model_validator(mode="before")
    @classmethod
    def _members(cls, value: Any) -> Any:
        return openai_members.checked(value, known=cls.model_fields, table=openai_members.OF_A_MESSAGE)


class SystemMessage(ChatMessage):
    role: Literal["system", "developer"]
    content: str | TextParts


class UserMessage(ChatMessage):
    role: Literal["user"]
    content: str | UserParts


class AssistantMessage(ChatMessage):
    role: Literal["assistant"]
    content: str | TextParts


AnyMessage = Annotated[SystemMessage | UserMessage | AssistantMessage, Field(discriminator="role")]


class StreamOptions(VerbatimMessage):
    include_usage: bool = False


Stop = Annotated[str, Field(min_length=1, max_length=1000)]
MaxTokens = Annotated[int, Field(ge=1, le=1_000_000)]


class ChatCompletionRequest(VerbatimMessage):
    """OpenAI's request body. A member without effect here is accepted, one that would change the answer is refused
    by name (`openai_members`); null is the same as absent."""

    messages: Annotated[list[AnyMessage], Field(min_length=1)]
    model: Annotated[
        str | None,
        Field(max_length=500, description="A model's id or repository; absent or auto: the app chooses"),
    ] = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    seed: Annotated[int | None, Field(ge=-(2**63), le=2**63 - 1)] = None
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = None
    max_tokens: MaxTokens | None = None
    max_completion_tokens: MaxTokens | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    priority: Annotated[
        Literal[1, 10] | None, Field(description="1: a person waits for it; 10 (default): it can wait")
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _members(cls, value: Any) -> Any:
        return openai_members.checked(value, known=cls.model_fields, table=openai_members.OF_A_REQUEST)

    @model_validator(mode="after")
    def _agreeing_limits(self) -> Self:
        both = (self.max_tokens, self.max_completion_tokens)
        if None not in both and both[0] != both[1]:
            raise ValueError("max_tokens and max_completion_tokens disagree")
        return self


FinishReason = Literal["stop", "length"]


class AnswerMessage(VerbatimMessage):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(VerbatimMessage):
    index: Literal[0] = 0
    message: AnswerMessage
    logprobs: None = None
    finish_reason: FinishReason


class Usage(VerbatimMessage):
    """Tokens. Those of a picture count as prompt."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(VerbatimMessage):
    """The whole answer, also after it was streamed."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: Annotated[int, Field(description="Unix time in seconds")]
    model: str
    choices: Annotated[list[Choice], Field(min_length=1, max_length=1)]
    usage: Usage


class Delta(VerbatimMessage):
    role: Annotated[Literal["assistant"] | None, Field(exclude_if=lambda role: role is None)] = None
    content: Annotated[str | None, Field(exclude_if=lambda content: content is None)] = None


class ChunkChoice(VerbatimMessage):
    index: Literal[0] = 0
    delta: Delta
    logprobs: None = None
    finish_reason: FinishReason | None = None


class ChatCompletionChunk(VerbatimMessage):
    """One piece of a streamed answer. With `include_usage` the last one has no choice, only the usage."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: Annotated[int, Field(description="Unix time in seconds")]
    model: str
    choices: Annotated[list[ChunkChoice], Field(max_length=1)]
    usage: Annotated[Usage | None, Field(exclude_if=lambda usage: usage is None)] = None


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
