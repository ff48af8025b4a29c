"""`sessions/…`: chats that are kept, and their answers as they come."""

from typing import Annotated, Any, Literal

from pydantic import Field

from sidecar.protocol.consent import ConsentsToDelete
from sidecar.protocol.message import Message, Method, NoParams, NoResult, Notification

SessionId = Annotated[str, Field(min_length=1, max_length=100)]
MessageId = Annotated[str, Field(min_length=1, max_length=100)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ChatText(Message):
    type: Literal["text"] = "text"
    text: str


class AskedText(ChatText):
    text: Annotated[str, Field(max_length=1_000_000)]


class ChatImage(Message):
    type: Literal["image"] = "image"
    attachment: Annotated[Sha256, Field(description="Of a file among the attachments")]


Part = Annotated[ChatText | ChatImage, Field(discriminator="type")]
AskedPart = Annotated[AskedText | ChatImage, Field(discriminator="type")]
MessageState = Literal["streaming", "complete", "interrupted"]


class Session(Message):
    id: SessionId
    title: Annotated[str, Field(description="The first words of its question, until the model or a person gave it one")]
    created_at: Annotated[int, Field(description="Unix time in milliseconds, as all times here")]
    updated_at: int
    leaves_computer: Annotated[bool, Field(description="Something of it was sent to another computer")]
    snippet: Annotated[str | None, Field(description="Of a search: where it was found, with « » round what matched")]


class ChatMessage(Message):
    id: MessageId
    session_id: SessionId
    role: Literal["user", "assistant"]
    parts: Annotated[tuple[Part, ...], Field(description="Empty: they rotted on the disk and cannot be read any more")]
    state: MessageState
    kind: Annotated[
        str | None, Field(description="Of an answer that broke off: the error kind; null if it was stopped")
    ]
    said: Annotated[str | None, Field(description="Of one that broke off at a provider: its words, without keys")]
    model_name: Annotated[str | None, Field(description="Of an answer: who gave it")]
    provider_name: str | None
    leaves_computer: bool
    dropped_before: Annotated[
        int, Field(description="Of an answer: how many of the oldest messages did not fit and were not read for it")
    ]
    finish_reason: Literal["stop", "length"] | None
    created_at: Annotated[int, Field(description="Of a question that was edited: when it was")]


class SessionParams(Message):
    session_id: SessionId


class SessionResult(Message):
    session: Session


class ListParams(Message):
    search: Annotated[str | None, Field(max_length=500, description="In titles and in what was said")] = None
    cursor: Annotated[str | None, Field(max_length=200, description="Of the answer before: where it goes on")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class SessionsResult(Message):
    sessions: Annotated[tuple[Session, ...], Field(description="The last changed first; of a search the best first")]
    cursor: Annotated[str | None, Field(description="null: there are no more")]


class RenameParams(SessionParams):
    title: Annotated[str, Field(min_length=1, max_length=200)]


class MessagesParams(SessionParams):
    before: Annotated[MessageId | None, Field(description="Only messages before this one")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class MessagesResult(Message):
    messages: Annotated[tuple[ChatMessage, ...], Field(description="The newest of them, the oldest first")]
    more: Annotated[bool, Field(description="There are older ones; of long messages fewer than `limit` come at once")]


class SendParams(SessionParams):
    parts: Annotated[list[AskedPart], Field(min_length=1, max_length=32)]
    model: Annotated[str | None, Field(max_length=500, description="absent or auto: whoever has the job")] = None


class AnswerParams(SessionParams):
    message_id: Annotated[MessageId, Field(description="An answer; what came after it is deleted")]
    model: Annotated[str | None, Field(max_length=500)] = None


class AnewParams(AnswerParams):
    accept: ConsentsToDelete = ()


class EditParams(AnewParams):
    message_id: Annotated[MessageId, Field(description="A question; what came after it is deleted")]
    parts: Annotated[list[AskedPart], Field(min_length=1, max_length=32)]


class TurnResult(Message):
    """The question and the answer to it, which streams from now on. Both are kept already."""

    question: ChatMessage
    answer: ChatMessage


class AnswerDelta(Message):
    """More of an answer's text."""

    type: Literal["delta"] = "delta"
    offset: Annotated[int, Field(description="Of its first character in the answer, in Unicode code points")]
    text: str


class MessageChanged(Message):
    """The message as it is now: begun, ended or broken off."""

    type: Literal["message"] = "message"
    message: ChatMessage


class EventParams(Message):
    session_id: SessionId
    message_id: MessageId
    event: Annotated[AnswerDelta | MessageChanged, Field(discriminator="type")]


LIST = Method("sessions/list", ListParams, SessionsResult, "The chats, or those that hold some words", ("window",))
CREATE = Method("sessions/create", NoParams, SessionResult, "Begins a chat", ("window",))
RENAME = Method("sessions/rename", RenameParams, SessionResult, "Gives a chat a title", ("window",))
DELETE = Method(
    "sessions/delete",
    SessionParams,
    NoResult,
    "Deletes a chat, with the attachments that no other one has",
    ("window",),
    irreversible=True,
)
MESSAGES = Method("sessions/messages", MessagesParams, MessagesResult, "What was said in a chat", ("window",))
SEND = Method(
    "sessions/send",
    SendParams,
    TurnResult,
    "Asks; answered as soon as the question is kept, the answer follows as sessions/event",
    ("window",),
)
REGENERATE = Method("sessions/regenerate", AnewParams, TurnResult, "Has a question answered anew", ("window",))
CONTINUE = Method(
    "sessions/continue", AnswerParams, TurnResult, "Has the last answer, which broke off, go on", ("window",)
)
EDIT = Method("sessions/edit", EditParams, TurnResult, "Asks a question anew in other words", ("window",))
STOP = Method(
    "sessions/stop", SessionParams, NoResult, "Ends the answer that streams; what there is of it stays", ("window",)
)
RESUME = Method(
    "sessions/resume",
    NoParams,
    NoResult,
    "Has the answers go on that broke off with the process before this one, each once by itself",
    ("shell",),
)

EVENT = Notification("sessions/event", EventParams, "More of an answer that streams, or a change of a message")
CHANGED = Notification("sessions/changed", SessionResult, "A chat was begun, renamed or gone on with", state=True)

METHODS: tuple[Method[Any, Any], ...] = (
    LIST,
    CREATE,
    RENAME,
    DELETE,
    MESSAGES,
    SEND,
    REGENERATE,
    CONTINUE,
    EDIT,
    STOP,
    RESUME,
)
NOTIFICATIONS: tuple[Notification[Any], ...] = (EVENT, CHANGED)
