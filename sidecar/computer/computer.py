"""What this computer is. Files and one system call are read: no program is started, no library loaded."""

import ctypes
import os
import platform
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

Device = Literal["metal", "cuda", "cpu"]

NVIDIA_DRIVER = (Path("/proc/driver/nvidia/version"), Path("/dev/nvidiactl"))


@dataclass(frozen=True)
class Computer:
    """`chip` is its maker's name for the processor, None where the system does not tell. `device` is what MLX will run
    on, as far as one can tell before it is loaded."""

    chip: str | None
    architecture: str
    """As the kernel calls it: arm64, x86_64, …"""
    system: str
    """macOS, or what a Linux distribution calls itself."""
    system_version: str | None
    memory_bytes: int
    device: Device


def this_computer() -> Computer:
    """Look at this computer; some milliseconds."""
    is_mac = sys.platform == "darwin"
    architecture = platform.machine()
    if is_mac:
        system, version = "macOS", platform.mac_ver()[0] or None
    else:
        system, version = _linux()
    return Computer(
        chip=_sysctl("machdep.cpu.brand_string") if is_mac else _cpuinfo(),
        architecture=architecture,
        system=system,
        system_version=version,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        device=_device(is_mac, architecture),
    )


def _device(is_mac: bool, architecture: str) -> Device:
    if is_mac:
        return "metal" if architecture == "arm64" else "cpu"
    return "cuda" if any(path.exists() for path in NVIDIA_DRIVER) and _mlx_has_cuda() else "cpu"


def _mlx_has_cuda() -> bool:
    """Whether the wheel with MLX's CUDA backend (mlx-cuda-12, -13) is installed. mlx itself is not imported: that must
    wait for OpenBLAS."""
    mlx = find_spec("mlx")
    folders = mlx.submodule_search_locations if mlx else None
    return any(any(Path(folder).parent.glob("mlx_cuda*.dist-info")) for folder in folders or ())


def _linux() -> tuple[str, str | None]:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return platform.system(), platform.release()
    return release.get("NAME", "Linux"), release.get("VERSION_ID")


def _cpuinfo() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return None
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name") and ":" in line)
    return next(named, None) or None


def _sysctl(name: str) -> str | None:
    """A text of macOS's sysctl(3)."""
    text, size = ctypes.create_string_buffer(256), ctypes.c_size_t(256)
    system = ctypes.CDLL(None)
    if system.sysctlbyname(name.encode(), text, ctypes.byref(size), None, ctypes.c_size_t(0)) != 0:
        return None
    return text.value.decode(errors="replace").strip() or None
