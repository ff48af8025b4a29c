"""Commands that have mounts or a network to themselves: no rights are needed where all may make a user namespace."""

import subprocess
from collections.abc import Sequence

import pytest

READ_ONLY = ["unshare", "-rm", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"']
"""Runs a command for which the file or folder after these words cannot be written, by root neither."""

# Loopback is brought up where `ip` is there; without it the namespace has nothing at all.
ALONE = ["unshare", "-rn", "sh", "-c", 'ip link set lo up 2>/dev/null; exec "$@"', "sh"]
"""Runs a command without any network."""


def small_disk(size: int) -> list[str]:
    """Runs a command for which the folder after these words is a disk of so many bytes."""
    return ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size={size},mode=700 none "$0" && exec "$@"']


def _are_allowed() -> bool:
    commands: list[Sequence[str]] = [[*small_disk(4096), "/tmp", "true"], [*ALONE, "true"]]
    try:
        return all(subprocess.run(each, capture_output=True, timeout=10).returncode == 0 for each in commands)
    except FileNotFoundError:
        return False


needs_namespaces = pytest.mark.skipif(
    not _are_allowed(),
    reason="takes a user namespace: on Ubuntu `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`, in a "
    "container the right to mount; macOS has none",
)
"""Of a test that runs one of these commands."""
