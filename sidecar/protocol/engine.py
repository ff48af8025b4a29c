"""`engine/…`: what the inference engine holds and does."""

from typing import Annotated, Any

from pydantic import Field

from sidecar.protocol.message import Message, Method, NoParams, Notification


class Lanes(Message):
    """A count for each priority."""

    high: int
    low: int


class EngineStatus(Message):
    loaded: bool
    loading: bool
    load_progress: Annotated[
        float | None, Field(description="From 0 to 1, while the model's first load on a GPU prepares what it will need")
    ]
    model_id: Annotated[str | None, Field(description="The model that is loaded or loading")]
    device: Annotated[str | None, Field(description="What it runs on: metal, cuda or cpu; null before the first load")]
    active_bytes: int
    peak_bytes: int
    estimated_peak_bytes: Annotated[int, Field(description="What the requests so far were expected to take at most")]
    budget_bytes: int | None
    queued: Lanes
    running: Lanes
    paused: Annotated[bool, Field(description="Whether background requests are held")]
    tokens_per_second: float | None
    load_seconds: float | None
    low_step_p99_ms: Annotated[
        float | None,
        Field(description="How long background work may keep a person's request waiting: of its last 1,000 steps"),
    ]


STATUS = Method("engine/status", NoParams, EngineStatus, "What the engine holds and does", ("window",))
STATUS_CHANGED = Notification("engine/status", EngineStatus, "The engine's state changed", state=True)

PAUSE = Method("engine/pause", NoParams, EngineStatus, "Holds background requests where they are", ("window",))
RESUME = Method("engine/resume", NoParams, EngineStatus, "Lets background requests go on", ("window",))

METHODS: tuple[Method[Any, Any], ...] = (STATUS, PAUSE, RESUME)
NOTIFICATIONS: tuple[Notification[Any], ...] = (STATUS_CHANGED,)
