"""The device MLX runs on, and what must happen before its first import. Imports MLX only when called."""

from __future__ import annotations

import logging
import os
import socket
import sys
from pathlib import Path
from typing import Literal

from sidecar.engine import openblas

log = logging.getLogger(__name__)

Device = Literal["metal", "cuda", "cpu"]

_GIB = 1 << 30

CUDA = {
    # cuDNN plans its attention anew for every length of a prompt: 70 ms at the first layer, for a person on top of the
    # 69 that the first token takes, for a person behind the batch's chunk 60 to 170 in one stretch (H100, measured).
    "MLX_CUDA_USE_CUDNN_SDPA": "0",
    # Graphs of kernels are kept by their form, and those of two lanes have many. The check counts all that were ever
    # made, and from twice the cache's size on fails every step of a process that lives long.
    "MLX_CUDA_GRAPH_CACHE_SIZE": "4096",
    "MLX_ENABLE_CACHE_THRASHING_CHECK": "0",
}
"""What MLX's CUDA backend reads from the environment before its first use; elsewhere nobody does."""


def prepare(cache: Path) -> None:
    """Sets up the process for MLX; call it before anything imports `mlx`.

    The Linux wheel links the reference BLAS (5 GFLOP/s on two cores, measured). OpenBLAS opened first, with its
    symbols global, takes the place of it (95); without it all works, only slowly. CUDA kernels are compiled when
    first met (1–90 s) and kept in `cache`.
    """
    kernels = cache / "kernels"
    kernels.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("MLX_PTX_CACHE_DIR", str(kernels))
    for name, value in CUDA.items():
        os.environ.setdefault(name, value)
    _import_without_sockets()
    if sys.platform != "linux":
        return
    if not openblas.opened():
        log.warning(
            "OpenBLAS not found: inference on the CPU will be about 20 times slower (Debian: libopenblas0-pthread)"
        )


def _import_without_sockets() -> None:
    """mlx-vlm imports requests, for addresses that it is never given here, and that tries at its import whether a
    socket can be bound to ::1. No socket is made in this process for a model's sake."""
    has_ipv6, socket.has_ipv6 = socket.has_ipv6, False
    try:
        import urllib3.util.connection  # noqa: F401 - the module that tries it
    finally:
        socket.has_ipv6 = has_ipv6


def kernels() -> Path:
    """The folder that compiled CUDA kernels are kept in, as `prepare` has set it."""
    return Path(os.environ["MLX_PTX_CACHE_DIR"])


def device() -> Device:
    """Metal, else CUDA, else the CPU."""
    import mlx.core as mx

    if mx.metal.is_available():
        return "metal"
    if mx.cuda.is_available():
        return "cuda"
    return "cpu"


def memory_budget() -> int:
    """Bytes the engine may use: a quarter of the computer's memory, within 3 and 12 GiB."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(max(installed // 4, 3 * _GIB), 12 * _GIB)


def limit_cache(budget_bytes: int) -> None:
    """MLX keeps freed arrays for the next ones of their size, without end by default: a 32nd of the budget is enough
    for a step's."""
    import mlx.core as mx

    mx.set_cache_limit(budget_bytes // 32)
