"""Folders that no backup needs: the model and caches can be fetched or made again, and are gigabytes."""

import contextlib
import ctypes
import os
import plistlib
import sys
from pathlib import Path

TAG = "CACHEDIR.TAG"
_CONTENT = b"""Signature: 8a477f597d28d172789f06886806bc55
# What is in this folder can be fetched or made again: backups leave it out.
# See https://bford.info/cachedir/ and the options of tar, borg and restic.
"""
"""As https://bford.info/cachedir/ has it: the first line makes the file one."""

ATTRIBUTE = b"com.apple.metadata:com_apple_backup_excludeItem"
EXCLUDED = plistlib.dumps("com.apple.backupd", fmt=plistlib.FMT_BINARY)
"""What `tmutil addexclusion` and NSURLIsExcludedFromBackupKey set on macOS; it stays when the folder is moved."""


def leave_out(folder: Path) -> None:
    """Marks the folder. Where that cannot be done (a full disk, a file system without attributes) it is backed up,
    which costs room and nothing else."""
    with contextlib.suppress(OSError):
        if sys.platform == "darwin":
            # os.setxattr exists on Linux only. The two zeros: from the start, and links are followed (sys/xattr.h).
            system = ctypes.CDLL(None, use_errno=True)
            system.setxattr(os.fsencode(folder), ATTRIBUTE, EXCLUDED, ctypes.c_size_t(len(EXCLUDED)), 0, 0)
        # Never through a link, and never over what is there.
        descriptor = os.open(folder / TAG, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as tag:
            tag.write(_CONTENT)
