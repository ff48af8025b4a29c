"""A disk with little room, for one command only."""

import shutil
import subprocess
from pathlib import Path

import pytest


def small_disk(folder: Path, size: int) -> list[str]:
    """Make the folder, and answer the words to put before a command for which it is a disk of `size` bytes. Skips the
    test where nobody may mount one."""
    folder.mkdir(mode=0o700)
    mount = f'mount -t tmpfs -o size={size},mode=700 none "$0" && exec "$@"'
    words = ["unshare", "-rm", "sh", "-c", mount, str(folder)]
    if not shutil.which("unshare") or subprocess.run([*words, "true"], capture_output=True).returncode != 0:
        pytest.skip("this system lets nobody make a small disk")
    return words
