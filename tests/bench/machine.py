"""What figures were measured on: they mean nothing without it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version

from tests.pipe import ROOT

# In a process of its own: MLX must not be imported before OpenBLAS is open, and not at all by who only measures.
_DEVICE = """
import mlx.core as mx
from sidecar.engine import backend
print(backend.device(), mx.device_info()["device_name"], sep=", ")
"""


def device() -> str:
    """The device MLX uses, its name, and the number of processor cores."""
    asked = subprocess.run(
        [sys.executable, "-c", _DEVICE], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    return f"{asked.stdout.strip()}, {os.cpu_count()} cores"


def versions() -> dict[str, str]:
    """Of what the figures depend on most."""
    libraries = {name: version(name) for name in ("mlx", "mlx-vlm")}
    return libraries | {"python": platform.python_version(), "commit": _commit()}


def _commit() -> str:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"
