"""What the log tells of each request on its way: its id, priority and model, and never its content."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from sidecar.engine.request import Job
from sidecar.errors import SidecarError

if TYPE_CHECKING:  # it imports MLX
    from sidecar.engine.row import Row

log = logging.getLogger(__name__)


def queued(job: Job, waiting: int) -> None:
    """`waiting` is how many requests wait, with this one."""
    log.info("Queue size: %d", waiting, extra=model(job))


def begun(job: Job) -> None:
    log.info(
        "Processing request with priority=%d, request=%s",
        job.request.priority,
        job.request.request_id,
        extra=model(job),
    )


def put_off(row: Row) -> None:
    log.info("Request put off for a person, request=%s", row.request.request_id, extra=model(row))


def cancelled(request: Job | Row) -> None:
    log.info("Request cancelled, request=%s", request.request.request_id, extra=model(request))


def ended(row: Row) -> None:
    log.info(
        "Request processed in %.2f s, priority=%d, request=%s",
        time.monotonic() - row.request.arrived,
        row.request.priority,
        row.request.request_id,
        extra=model(row),
    )


def failed(request: Job | Row, error: SidecarError) -> None:
    log.warning(
        "Request failed after %.2f s, priority=%d, request=%s: %s",
        time.monotonic() - request.request.arrived,
        request.request.priority,
        request.request.request_id,
        error.message,
        extra=model(request),
    )


def model(of: Job | Row) -> dict[str, str]:
    """What a line about it carries beside its text."""
    return {"model_id": of.folder.model_id}
