"""What moves files gives way to what answers."""

import os
import sys
import threading

import pytest

from sidecar.models.stop import Stop, on_thread
from sidecar.niceness import NICE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a thread's priority to others")


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


async def test_a_transfer_gives_way_and_nobody_else() -> None:
    before = priority()
    assert await on_thread(priority, Stop()) == max(NICE, before)
    assert priority() == before
