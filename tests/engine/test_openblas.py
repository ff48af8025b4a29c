"""OpenBLAS computes with kernels that fit the processor, also one that it does not know."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.engine import openblas

ROOT = Path(__file__).parents[2]

OPEN = """
import os, sys
from sidecar.engine import openblas
if not openblas.opened():
    sys.exit("OpenBLAS is not installed")
print(openblas._core(openblas._library(openblas.NAMES[0])), os.environ.get(openblas.VARIABLE))
"""


def opened(**variables: str) -> list[str]:
    """By whose name its kernels go in a process that opened it, and what the environment says after that."""
    others = {name: value for name, value in os.environ.items() if name != openblas.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", OPEN], cwd=ROOT, env=others | variables, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("chosen", "features", "core"),
    [
        ("Prescott", ["sse2", "fma", "avx2"], "Haswell"),
        ("Prescott", ["sse2", "avx512f", "fma", "avx2"], "Haswell"),
        ("Prescott", ["sse2", "ssse3"], None),
        ("Prescott", ["avx2"], None),
        ("Prescott", [], None),
        ("Zen", ["fma", "avx2"], None),
        ("SkylakeX", ["fma", "avx2"], None),
        ("neoversen1", [], None),
        ("", ["fma", "avx2"], None),
    ],
)
def test_only_kernels_chosen_for_lack_of_knowledge_are_replaced(
    chosen: str, features: list[str], core: str | None
) -> None:
    assert openblas.better_core(chosen, features) == core


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing needs it")
def test_a_processor_that_can_more_never_computes_with_the_oldest_kernels() -> None:
    core, left = opened()
    assert openblas.better_core(core, openblas._features()) is None
    assert left == "None"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing needs it")
@pytest.mark.skipif("sse4_2" not in openblas._features(), reason="it has no such kernels")
def test_what_somebody_has_chosen_holds() -> None:
    assert opened(OPENBLAS_CORETYPE="Nehalem") == ["Nehalem", "Nehalem"]
