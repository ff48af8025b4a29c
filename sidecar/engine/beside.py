"""Work beside the event loop, on threads that `Engine.close` shuts down."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

Done = TypeVar("Done")


async def beside(executor: Executor | None, work: Callable[[], Done], closed: Callable[[], Exception]) -> Done:
    """What `work` returns or raises, on a thread of `executor` (None: of the event loop's own). It is not begun any
    more once whoever waits for it is cancelled.

    Raises:
        Exception: what `closed` makes, if the executor was shut down before its turn came.
    """
    try:
        under_way = asyncio.get_running_loop().run_in_executor(executor, work)
    except RuntimeError as error:
        raise closed() from error
    try:
        await asyncio.wait([under_way])
        if under_way.cancelled():
            raise closed()
        return under_way.result()
    finally:
        under_way.cancel()
