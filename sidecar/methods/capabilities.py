"""`capabilities/…`."""

from collections.abc import Sequence
from typing import Any

from sidecar.protocol.capabilities import ASSIGN, LIST, Assignment, AssignmentsResult, AssignParams
from sidecar.protocol.message import NoParams
from sidecar.routing import Assignment as Routed
from sidecar.routing import Assignments
from sidecar.rpc.dispatch import Bound, Call


def bind(*, assignments: Assignments) -> Sequence[Bound[Any, Any]]:
    """`capabilities/list` and `capabilities/assign`."""

    async def list_(_params: NoParams, _call: Call) -> AssignmentsResult:
        return as_message(await assignments.list())

    async def assign(params: AssignParams, _call: Call) -> Assignment:
        return _row(await assignments.assign(params.capability, params.model_id, params.accept))

    return Bound(LIST, list_), Bound(ASSIGN, assign, finishes=True)


def as_message(rows: Sequence[Routed]) -> AssignmentsResult:
    """All four as they cross the pipe."""
    return AssignmentsResult(capabilities=tuple(_row(row) for row in rows))


def _row(assignment: Routed) -> Assignment:
    return Assignment.model_validate(assignment, from_attributes=True)
