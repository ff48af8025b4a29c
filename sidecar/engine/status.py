"""What the engine holds and does, for the eyes of the person and of routing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from sidecar.engine.request import GenerationRequest, RequestPriority


@dataclass(frozen=True)
class PriorityCounts:
    """Requests by priority."""

    high: int = 0
    low: int = 0


@dataclass(frozen=True)
class EngineStatus:
    """A snapshot. `model_id` is the name its callers gave the model that is loaded or being loaded; `device` (metal,
    cuda, cpu) is None before the first load. `load_progress` is the part of loading that is done, where that takes long
    enough to tell. Bytes are MLX's; `estimated_peak_bytes` is what the requests so far were expected to take at most.
    `paused`: the background lane is held. `tokens_per_second` is the last answer's rate of decoding,
    `low_step_p99_ms` what the longest of the background's last steps computed without giving way."""

    loaded: bool = False
    loading: bool = False
    load_progress: float | None = None
    model_id: str | None = None
    device: str | None = None
    active_bytes: int = 0
    peak_bytes: int = 0
    estimated_peak_bytes: int = 0
    budget_bytes: int | None = None
    queued: PriorityCounts = field(default_factory=PriorityCounts)
    running: PriorityCounts = field(default_factory=PriorityCounts)
    paused: bool = False
    tokens_per_second: float | None = None
    load_seconds: float | None = None
    low_step_p99_ms: float | None = None


def counts(requests: Iterable[GenerationRequest]) -> PriorityCounts:
    """How many of each priority."""
    priorities = [request.priority for request in requests]
    return PriorityCounts(priorities.count(RequestPriority.HIGH), priorities.count(RequestPriority.LOW))


def p99_ms(seconds: Collection[float]) -> float | None:
    """Their 99th percentile, in milliseconds."""
    return 1e3 * sorted(seconds)[len(seconds) * 99 // 100] if seconds else None
