"""What every message has in common, and how a method declares its messages."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

RequestId: TypeAlias = str | int
"""A JSON-RPC id: a UUID made by the caller, end to end. Whole numbers are taken too, as JSON-RPC allows."""

Caller = Literal["window", "proxy", "shell"]
"""Who may call a method. The shell relays for the first two only what names them: default deny."""


class Message(BaseModel):
    """A message of ours: camelCase members, no unknown ones, no conversion between types."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="forbid",
        frozen=True,
        strict=True,
        # Two fields are called model_…, which pydantic would otherwise keep for itself.
        protected_namespaces=(),
    )


class VerbatimMessage(BaseModel):
    """A message that somebody else defined (OpenAI's bodies, the seed's events): members spelled as they are there."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, protected_namespaces=())


class NoParams(Message):
    """A method without params: `{}` or nothing."""


class NoResult(Message):
    """An answer that says only that it was done: `{}`."""


Params = TypeVar("Params", bound=BaseModel)
Result = TypeVar("Result", bound=BaseModel)


@dataclass(frozen=True)
class Method(Generic[Params, Result]):
    """One method of the pipe. `result` is None for what the peer only notifies (`$/cancelRequest`).

    `irreversible`: it can delete what nobody can have again, so the shell asks the person before a window has it done.
    """

    name: str
    params: type[Params]
    result: type[Result] | None
    summary: str
    callers: tuple[Caller, ...]
    irreversible: bool = False


@dataclass(frozen=True)
class Notification(Generic[Params]):
    """One notification that the sidecar sends.

    Where `state` is set, only the newest one per subject matters: while the reader is slow, a newer one takes the
    place of the one that waits.
    """

    name: str
    params: type[Params]
    summary: str
    state: bool = False
