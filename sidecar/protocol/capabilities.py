"""`capabilities/…`: the four jobs, and which model does each."""

from typing import Annotated, Any, Literal

from pydantic import Field

from sidecar.protocol.message import Message, Method, NoParams, Notification
from sidecar.protocol.models import Capability, ModelId

Consent = Literal["leaves_computer", "plain_http", "background_leaves"]
"""What a person has to agree to before it is done: that content goes to another computer, that it goes unencrypted, and
that it goes there by itself, without anybody waiting for the answer."""

Consents = Annotated[
    tuple[Consent, ...],
    Field(
        strict=False,
        description="What the person has agreed to; without it: consent_needed, whose details name it",
        # By this the shell knows it: a window may not fill it in, the shell asks the person and does.
        json_schema_extra={"format": "consent"},
    ),
]


class Assignment(Message):
    """One job and the model that does it."""

    capability: Capability
    model_id: ModelId
    model_name: str
    provider_id: str
    provider_name: str
    builtin: Annotated[bool, Field(description="It runs inside this app")]
    leaves_computer: Annotated[bool, Field(description="What is asked goes to another computer")]
    ready: bool
    kind: Annotated[str | None, Field(description="Where it is not ready: the error kind that a request would get")]
    unknown: Annotated[bool, Field(description="Nobody has said whether the model can do this job")]


class AssignmentsResult(Message):
    capabilities: Annotated[tuple[Assignment, ...], Field(description="All four, in a fixed order")]


class AssignParams(Message):
    capability: Capability
    model_id: ModelId
    accept: Consents = ()


LIST = Method("capabilities/list", NoParams, AssignmentsResult, "The four jobs and who does them", ("window",))
ASSIGN = Method("capabilities/assign", AssignParams, Assignment, "Gives one job to another model", ("window",))
CHANGED = Notification(
    "capabilities/changed",
    AssignmentsResult,
    "A job has another model, or its model became ready or no longer is",
    state=True,
)

METHODS: tuple[Method[Any, Any], ...] = (LIST, ASSIGN)
NOTIFICATIONS: tuple[Notification[Any], ...] = (CHANGED,)
