"""The process that started this one."""

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1


def go_on_when_it_dies() -> None:
    """Has this process, if it is stopped then (SIGSTOP), go on at its parent's death: one that is stopped notices
    nothing, and would stay for ever. For as long as the calling thread lives (prctl(2)).

    A system does so by itself where a process group becomes an orphan, and that kills it (SIGHUP): not where whoever
    takes the parent's place is of the same session, as in a container or below some terminals. Other systems than Linux
    have nothing beside it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGCONT)
