"""Whether a model can run on a computer, and what speaks against it."""

from dataclasses import dataclass
from typing import Literal

from sidecar.computer.computer import Computer
from sidecar.computer.speed import DecodeSpeed

Verdict = Literal["good", "slow", "unable"]
Reason = Literal[
    "needs_apple_silicon",
    "needs_macos_14",
    "memory_too_small",
    "disk_too_small",
    "no_gpu",
    "memory_tight",
    "slow_memory",
]

OLDEST_MACOS = (14,)  # MLX's wheels
WORK_BYTES = 800_000_000
"""Beside the weights: keys, values and a picture. 3.4 GB were measured in all with 4,096 tokens (`BENCHMARKS.md`)."""
SYSTEM_BYTES = 2_000_000_000
"""What the system itself needs to stay usable."""
PEOPLE_BYTES = 4_000_000_000
"""What the system and a browser need, so that nothing is swapped out."""
READING_SPEED = 6.0
"""Tokens a second: people read about four words a second (Brysbaert 2019: 238 a minute), and a word is 1.3 tokens or
more."""


@dataclass(frozen=True)
class Fit:
    """`reasons` are those of the verdict, the weightiest first."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()


def judge(
    computer: Computer, speed: DecodeSpeed, weight_bytes: int | None, missing_bytes: int, free_disk_bytes: int
) -> Fit:
    """`missing_bytes` is what must yet come to the disk, room to spare included. What is not known speaks against
    nothing."""
    if unable := _unable(computer, weight_bytes, missing_bytes, free_disk_bytes):
        return Fit("unable", tuple(unable))
    slow: list[Reason] = []
    if computer.device == "cpu":
        slow.append("no_gpu")
    if weight_bytes and computer.memory_bytes < weight_bytes + WORK_BYTES + PEOPLE_BYTES:
        slow.append("memory_tight")
    if speed.expected is not None and speed.expected < READING_SPEED:
        slow.append("slow_memory")
    return Fit("slow" if slow else "good", tuple(slow))


def _unable(computer: Computer, weight_bytes: int | None, missing_bytes: int, free_disk_bytes: int) -> list[Reason]:
    reasons: list[Reason] = []
    if computer.system == "macOS":
        if computer.architecture != "arm64":
            reasons.append("needs_apple_silicon")
        elif computer.system_version and _numbers(computer.system_version) < OLDEST_MACOS:
            reasons.append("needs_macos_14")
    if weight_bytes and computer.memory_bytes < weight_bytes + WORK_BYTES + SYSTEM_BYTES:
        reasons.append("memory_too_small")
    if missing_bytes > free_disk_bytes:
        reasons.append("disk_too_small")
    return reasons


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
