"""`python -m tests.rpc.hanging`: the sidecar itself, whose engine never comes back from a step and soon notices it."""

import os
import threading
from functools import partial
from typing import Any

from sidecar.rpc import stdio

if __name__ == "__main__":
    PIPE = stdio.claim()

import sidecar.engine
from sidecar.app import App
from sidecar.engine.scheduler import Scheduler
from sidecar.process import run

NOTICED_SECONDS = 1.0


def hang() -> None:
    """Has every step of a lane take for ever. The lanes import MLX, which is the engine thread's: they are changed
    there, when one is about to be stepped."""
    step = Scheduler._step

    def never_ends() -> Any:
        threading.Event().wait()

    def stepped(scheduler: Scheduler, priority: Any) -> None:
        assert scheduler._lanes is not None
        vars(scheduler._lanes.open(priority))["step"] = never_ends
        step(scheduler, priority)

    vars(sidecar.engine)["Engine"] = partial(sidecar.engine.Engine, hung_seconds=NOTICED_SECONDS)
    setattr(Scheduler, "_step", stepped)  # noqa: B010 - mypy takes no other assignment to a method


if __name__ == "__main__":
    hang()
    run(PIPE, os.getppid(), App)
