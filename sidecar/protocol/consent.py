"""What a person has to agree to before it is done."""

from typing import Annotated, Literal

from pydantic import Field

# By its format the shell knows it: a window may not fill it in, the shell asks the person and does.
_OF_THE_PERSON = Field(
    strict=False,
    description="What the person has agreed to; without it: consent_needed, whose details name it",
    json_schema_extra={"format": "consent"},
)

ToLeave = Literal["leaves_computer", "plain_http", "background_leaves"]
"""That content goes to another computer, that it goes unencrypted, and that it goes there by itself, without anybody
waiting for the answer."""
ConsentsToLeave = Annotated[tuple[ToLeave, ...], _OF_THE_PERSON]

ToDelete = Literal["deletes_rest"]
"""That the rest of a chat, which came after what is asked anew, goes for good."""
ConsentsToDelete = Annotated[tuple[ToDelete, ...], _OF_THE_PERSON]
