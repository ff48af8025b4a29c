"""`capabilities/…`: the four jobs, and which model does each."""

from typing import Annotated, Any

from pydantic import Field

from sidecar.protocol.consent import ConsentsToLeave
from sidecar.protocol.message import Message, Method, NoParams, Notification
from sidecar.protocol.models import Capability, ModelId


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
    accept: ConsentsToLeave = ()


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
