"""Copies of files that share their blocks with the original until either changes, where the file system can do that."""

import contextlib
import ctypes
import os
import sys
from pathlib import Path

# linux/fs.h: _IOW(0x94, 9, int). Btrfs, XFS, bcachefs and others know it.
FICLONE = 0x40049409


def clone(source: int, target: Path) -> bool:
    """Make `target`, which does not exist yet, a clone of the open file `source`; whether that could be done.

    A clone is a file of its own: what is written to one of the two is not seen in the other. Where it cannot be done
    (another disk, a file system without clones), there is no `target` afterwards.
    """
    if sys.platform == "darwin":
        # sys/clonefile.h; APFS. AT_FDCWD is -2 there, and the path is absolute anyway.
        system = ctypes.CDLL(None, use_errno=True)
        if system.fclonefileat(source, -2, os.fsencode(target), 0) != 0:
            return False
        target.chmod(0o600)
        return True
    if sys.platform != "linux":
        return False
    import fcntl

    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.ioctl(descriptor, FICLONE, source)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            target.unlink()
        return False
    finally:
        os.close(descriptor)
    return True
