"""What is said of a computer and a model: by data of computers that this is not, and by this one."""

import sys
from dataclasses import replace

import pytest

from sidecar.computer import Computer, DecodeSpeed, decode_speed, judge, this_computer
from sidecar.computer.fit import Reason
from sidecar.computer.speed import APPLE_BANDWIDTHS

GB = 10**9
WEIGHTS = 2_600_000_000
MAC = Computer("Apple M2", "arm64", "macOS", "14.5", 16 * 2**30, "metal")


def verdict(computer: Computer, free: int = 100 * GB) -> tuple[str, tuple[Reason, ...]]:
    fit = judge(computer, decode_speed(computer, WEIGHTS), WEIGHTS, WEIGHTS + GB, free)
    return fit.verdict, fit.reasons


@pytest.mark.parametrize(
    ("computer", "expected"),
    [
        (MAC, ("good", ())),
        (replace(MAC, memory_bytes=8 * 2**30), ("good", ())),
        (replace(MAC, system_version="15"), ("good", ())),
        (replace(MAC, chip="Apple M9"), ("good", ())),
        (replace(MAC, memory_bytes=6 * GB), ("slow", ("memory_tight",))),
        (replace(MAC, memory_bytes=4 * 2**30), ("unable", ("memory_too_small",))),
        (replace(MAC, system_version="13.7.1"), ("unable", ("needs_macos_14",))),
        (replace(MAC, architecture="x86_64", device="cpu"), ("unable", ("needs_apple_silicon",))),
        (Computer("AMD EPYC", "x86_64", "Debian GNU/Linux", "12", 16 * GB, "cpu"), ("slow", ("no_gpu",))),
        (Computer(None, "x86_64", "Ubuntu", None, 64 * GB, "cuda"), ("good", ())),
    ],
    ids=["m2", "8 GiB", "15", "a chip to come", "6 GB", "4 GiB", "macOS 13", "Intel Mac", "no GPU", "CUDA"],
)
def test_a_computer_is_judged_with_the_reasons(computer: Computer, expected: tuple[str, tuple[str, ...]]) -> None:
    assert verdict(computer) == expected


def test_a_disk_without_room_for_the_model_and_a_gigabyte_is_too_small() -> None:
    assert verdict(MAC, free=WEIGHTS + GB) == ("good", ())
    assert verdict(MAC, free=WEIGHTS + GB - 1) == ("unable", ("disk_too_small",))
    assert judge(MAC, DecodeSpeed(), WEIGHTS, 0, 0).verdict == "good"


def test_a_model_too_large_to_be_read_at_reading_speed_is_slow() -> None:
    large = 20 * GB
    computer = replace(MAC, memory_bytes=64 * GB)
    assert judge(computer, decode_speed(computer, large), large, 0, 0).reasons == ("slow_memory",)


def test_the_expected_speed_is_half_of_what_the_memory_allows() -> None:
    speed = decode_speed(MAC, WEIGHTS)
    assert speed.at_most == pytest.approx(100 / 2.6)
    assert speed.expected == pytest.approx(50 / 2.6)
    assert speed.basis == "published_bandwidth"
    assert decode_speed(replace(MAC, chip="Apple M9"), WEIGHTS) == decode_speed(MAC, None) == DecodeSpeed()


def test_a_larger_chip_of_a_generation_is_never_slower() -> None:
    for generation in ("Apple M1", "Apple M2", "Apple M3", "Apple M4", "Apple M5"):
        sizes = [APPLE_BANDWIDTHS.get(f"{generation}{size}") for size in ("", " Pro", " Max", " Ultra")]
        known = [bandwidth for bandwidth in sizes if bandwidth]
        assert known == sorted(known)


def test_this_computer_is_described_without_importing_mlx() -> None:
    before = "mlx.core" in sys.modules
    computer = this_computer()
    assert computer.memory_bytes > 2**30
    assert computer.system
    assert computer.architecture
    assert computer.device in ("metal", "cuda", "cpu")
    assert ("mlx.core" in sys.modules) == before


def test_on_a_cpu_the_speed_is_bounded_by_what_was_measured_and_none_is_promised() -> None:
    speed = decode_speed(replace(this_computer(), device="cpu"), WEIGHTS)
    assert speed.expected is None
    assert speed.at_most is not None
    assert 0.01 < speed.at_most < 1000
    assert speed.basis == "measured_bandwidth"
