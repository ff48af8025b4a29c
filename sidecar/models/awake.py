"""Work that takes long holds off the sleep that a computer falls into when nobody touches it; and whether it slept."""

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

# Programs that hold it off for as long as the command lasts that follows. Only idleness: whoever closes the lid or
# chooses "sleep" means it.
_HOLDERS = {
    "darwin": ("caffeinate", "-i"),
    "linux": ("systemd-inhibit", "--what=idle", "--who=Knowledge Focus", "--why=A model is being fetched or checked"),
}


@contextlib.contextmanager
def kept_awake() -> Iterator[None]:
    """Holds idle sleep off until the end of the block, or of this process. Where the system does not let us, nothing
    else happens."""
    holder = _holder()
    try:
        yield
    finally:
        if holder is not None:
            _end(holder)


def _holder() -> subprocess.Popen[bytes] | None:
    if (command := _HOLDERS.get(sys.platform)) is None:
        return None
    try:
        # It reads from a pipe of ours, and so ends with us, whatever ends us.
        return subprocess.Popen(
            [*command, "cat"],
            env={"PATH": os.environ.get("PATH", os.defpath)},  # not the proxies, which may have passwords
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        log.info("builtin-model work cannot hold off sleep: %s", error)
        return None


def _end(holder: subprocess.Popen[bytes]) -> None:
    if (code := holder.poll()) is not None:
        log.info("builtin-model work did not hold off sleep: %s ended with %d", holder.args[0], code)  # type: ignore[index]
    assert holder.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        holder.stdin.close()  # ends what it runs
    holder.kill()  # It has nothing to lose, and whoever cancels waits.
    threading.Thread(target=holder.wait, name="builtin-model-awake", daemon=True).start()


def seconds_slept() -> float:
    """How long this computer has slept since it was started: what a clock that goes on meanwhile is ahead of one that
    stands still (clock_gettime(2) of Linux, clock_gettime(3) of macOS)."""
    if sys.platform == "darwin":
        standing, going = time.CLOCK_UPTIME_RAW, time.CLOCK_MONOTONIC
    elif sys.platform == "linux":
        standing, going = time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME
    else:
        return 0.0
    stood = time.clock_gettime(standing)  # first, so that the difference is never negative
    return time.clock_gettime(going) - stood


class Wakes:
    """Notices that the computer was asleep. Its connections are dead then, and its network needs a while to come back,
    for neither of which a mirror is to blame."""

    def __init__(
        self,
        patience: float,
        slept: Callable[[], float] = seconds_slept,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`patience` is how long after a wake it counts as one, in seconds."""
        self._patience = patience
        self._slept = slept
        self._now = now
        self._known = slept()
        self._until = float("-inf")

    def look(self) -> None:
        """Call it now and then: a wake counts from the first look after it."""
        # The two clocks are read one after the other.
        if (slept := self._slept()) > self._known + 1:
            self._until = self._now() + self._patience
        self._known = slept

    def is_recent(self) -> bool:
        """Whether the computer woke up a moment ago."""
        self.look()
        return self._now() < self._until
