"""The shell without its window: supervisor and proxy as people have them, and a window's requests past the proxy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.client import Client
from tests.bench.figure import Figure, skipped
from tests.bench.setting import Setting
from tests.pipe import ROOT

BUILD = ". setup/rust.sh && cd tauri-app && cargo build --quiet --locked --release -p openai-proxy --example serve"
DEBUG = BUILD.replace(" --release", "")


def measured(
    setting: Setting, figures: Mapping[str, str], measure: Callable[[Setting, Path], Iterator[Figure]]
) -> Iterator[Figure]:
    """What `measure` says of the program, which is built anew where it changed. Where that cannot be done, each of
    `figures`, which has their units, is skipped; the compiler said why on stderr."""
    # A figure is of what people run; to see that it works, what the tests have built already will do.
    command, profile = (DEBUG, "debug") if setting.quick else (BUILD, "release")
    if subprocess.run(["sh", "-c", command], cwd=ROOT, check=False).returncode:
        for metric, unit in figures.items():
            yield skipped(metric, unit, "the shell's example cannot be built")
        return
    yield from measure(setting, ROOT / f"tauri-app/target/{profile}/examples/serve")


class Shell(Client):
    """One that runs, asked as its window asks. `port` and `token` are those of its proxy."""

    port: int
    token: str


@contextmanager
def running(program: Path, data_dir: Path, sidecar: Sequence[str | Path]) -> Iterator[Shell]:
    """The shell over that data folder, before that sidecar."""
    with Shell([str(part) for part in (program, data_dir, *sidecar)]) as shell:
        at = shell.notification("proxy/listening")
        shell.port, shell.token = at["port"], at["token"]
        yield shell


def real_sidecar(setting: Setting, data_dir: Path) -> list[str | Path]:
    """The command line of the sidecar over that data folder, which gets the model."""
    setting.repository.place(data_dir)
    return [sys.executable, "-m", "sidecar", "--data-dir", data_dir, "--catalog", setting.repository.catalog]
