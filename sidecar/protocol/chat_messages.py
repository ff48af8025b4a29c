"""The messages of a chat and the tools it offers, as OpenAI writes them."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from sidecar.protocol import openai_members
from sidecar.protocol.message import VerbatimMessage


class RequestPart(VerbatimMessage):
    """A part of a request: null is the same as absent, and a member that is misspelt must not quietly count for
    nothing."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        return {name: part for name, part in value.items() if part is not None} if isinstance(value, dict) else value


class TextPart(RequestPart):
    type: Literal["text"]
    text: str


class ImageUrl(RequestPart):
    url: Annotated[str, Field(description="data:image/…;base64,… or attachment:<sha256>; nothing is fetched")]
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(RequestPart):
    type: Literal["image_url"]
    image_url: ImageUrl


TextParts = Annotated[list[TextPart], Field(min_length=1)]
UserParts = Annotated[list[Annotated[TextPart | ImagePart, Field(discriminator="type")]], Field(min_length=1)]

ToolName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
CallId = Annotated[str, Field(min_length=1, max_length=200)]


class CalledFunction(VerbatimMessage):
    name: ToolName
    arguments: Annotated[str, Field(description="JSON, as text")]


class ToolCall(VerbatimMessage):
    id: CallId
    type: Literal["function"] = "function"
    function: CalledFunction


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
    """An earlier answer. As the last message it is the beginning of the answer."""

    role: Literal["assistant"]
    content: str | TextParts | None = None
    tool_calls: Annotated[list[ToolCall], Field(max_length=128)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "AssistantMessage":
        if self.content is None and not self.tool_calls:
            raise ValueError("an assistant's message has content or tool_calls")
        return self


class ToolMessage(ChatMessage):
    """What a tool answered to the call of that id."""

    role: Literal["tool"]
    content: str | TextParts
    tool_call_id: CallId


AnyMessage = Annotated[SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")]


class FunctionDefinition(RequestPart):
    name: ToolName
    description: str | None = None
    parameters: Annotated[dict[str, Any] | None, Field(description="A JSON schema of an object; absent: none")] = None
    strict: Annotated[bool | None, Field(description="Arguments fit the schema always")] = None


class Tool(RequestPart):
    type: Literal["function"]
    function: FunctionDefinition


class FunctionName(RequestPart):
    name: ToolName


class NamedTool(RequestPart):
    """This tool must be called."""

    type: Literal["function"]
    function: FunctionName


class TextFormat(RequestPart):
    type: Literal["text"]


class JsonObjectFormat(RequestPart):
    """Any JSON object."""

    type: Literal["json_object"]


class JsonSchema(RequestPart):
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: Annotated[bool | None, Field(description="The answer fits the schema always")] = None


class JsonSchemaFormat(RequestPart):
    """JSON that fits a schema, compact: no white space between its parts."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]
