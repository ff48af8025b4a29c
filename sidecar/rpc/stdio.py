"""The process's standard streams. Imports nothing but the standard library's lightest: it must run before all else."""

import os


def claim() -> tuple[int, int]:
    """Takes stdin and stdout for the pipe's messages alone, and returns their new file descriptors.

    Afterwards fd 0 is empty and fd 1 is stderr, so that what C code or a child process prints can never end up between
    two messages (`sys.stdout = sys.stderr` would stop Python's own prints only). The returned descriptors are not
    inherited by children: one that outlives us must not keep the pipe open.

    Raises:
        OSError: stdin or stdout is closed.
    """
    incoming, outgoing = os.dup(0), os.dup(1)  # non-inheritable, as all that Python opens
    empty = os.open(os.devnull, os.O_RDWR)
    os.dup2(empty, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # started without a stderr
        os.dup2(empty, 2)
        os.dup2(empty, 1)
    if empty > 2:
        os.close(empty)
    for fd in (incoming, outgoing):
        os.set_blocking(fd, True)
    return incoming, outgoing
