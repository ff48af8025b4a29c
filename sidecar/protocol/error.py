"""An error as it crosses the pipe."""

from typing import Annotated

from pydantic import Field, JsonValue

from sidecar.protocol.message import Message


class ErrorData(Message):
    """`error.data` of every error answer. `error.message` is prose for logs; people read the text of `kind`."""

    kind: Annotated[str, Field(description="Stable name; errors.json lists all")]
    retryable: Annotated[bool, Field(description="The same request may succeed later, without anybody changing it")]
    details: dict[str, JsonValue]
