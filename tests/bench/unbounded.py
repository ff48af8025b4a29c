"""`python -m tests.bench.unbounded`: the sidecar itself, whose background may take as long for a step as it likes."""

import os
from functools import partial

from sidecar.rpc import stdio

if __name__ == "__main__":
    PIPE = stdio.claim()

from sidecar.app import App
from sidecar.engine import pace
from sidecar.engine.step_limits import ChunkLimit, RowLimit
from sidecar.process import run

ANY_SECONDS = 1e9  # not infinite: what is computed of it is rounded


def unbound() -> None:
    """Has the background's steps take all rows and the longest chunks."""
    for limit in (RowLimit, ChunkLimit):
        vars(pace)[limit.__name__] = partial(limit, seconds=ANY_SECONDS)


if __name__ == "__main__":
    unbound()
    run(PIPE, os.getppid(), App)
