"""OpenBLAS, in the place of the BLAS that MLX's Linux wheel comes with, which is 20 times slower."""

from __future__ import annotations

import _ctypes
import ctypes
import os
from collections.abc import Collection
from pathlib import Path

NAMES = ("libopenblas.so.0", "libopenblas.so")
VARIABLE = "OPENBLAS_CORETYPE"
FALLBACK = "Prescott"
"""The processor of 2004 whose kernels it uses on every x86 one that is newer than itself."""


def opened() -> bool:
    """Opens it with its symbols global; whatever is loaded later finds them before its own. False if it is not here."""
    core = fitting_core()
    if core is not None:
        os.environ[VARIABLE] = core
    try:
        return any(_library(name, ctypes.RTLD_GLOBAL) for name in NAMES)
    finally:
        if core is not None:  # others' copies, such as numpy's, may know better
            del os.environ[VARIABLE]


def fitting_core() -> str | None:
    """What `VARIABLE` has to say for the kernels to fit the processor; None if they do, or somebody has chosen.

    Debian 12's 0.3.21 computed with those of 2004 on an Intel Xeon of 2023, and a prompt took 370 ms instead of 213
    (measured). It chooses when it is loaded, and by no call later.
    """
    if VARIABLE in os.environ:
        return None
    library = next(filter(None, map(_library, NAMES)), None)
    if library is None:
        return None
    try:
        return better_core(_core(library), _features())
    finally:
        _ctypes.dlclose(library._handle)


def better_core(chosen: str, features: Collection[str]) -> str | None:
    """The name of the kernels for a processor with these `features`, as Linux calls them, where OpenBLAS has `chosen`
    ones for lack of knowledge; None if it knows, or the processor can do no more.

    Haswell's need AVX2 and FMA. Those for AVX-512 made a prompt no faster (measured).
    """
    return "Haswell" if chosen == FALLBACK and {"avx2", "fma"} <= set(features) else None


def _library(name: str, mode: int = ctypes.DEFAULT_MODE) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name, mode=mode)
    except OSError:
        return None


def _core(library: ctypes.CDLL) -> str:
    """By which processor's name its kernels go; empty if it does not say."""
    try:
        ask = library.openblas_get_corename
    except AttributeError:
        return ""
    ask.restype = ctypes.c_char_p
    return bytes(ask() or b"").decode(errors="replace")


def _features() -> list[str]:
    """What the processor can do; none where the system does not say so."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return []
    return next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
