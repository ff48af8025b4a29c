"""`python -m tests.bench NAME`, or `./just bench NAME`: runs a benchmark and prints its figures."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import tempfile
from pathlib import Path

from tests.bench import machine
from tests.bench.figure import Report
from tests.bench.geometry import GEOMETRIES
from tests.bench.repository import CACHE, Repository
from tests.bench.setting import Benchmark, Setting

BENCHMARKS = (
    "priority",
    "decode",
    "batch",
    "structured",
    "tools",
    "turns",
    "memory",
    "quality",
    "start",
    "restart",
    "download",
    "first-launch",
    "store",
    "proxy",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./just bench", description="Runs a benchmark and prints its figures.")
    parser.add_argument("name", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--geometry", choices=GEOMETRIES, default="mini", help="the model's shape (default: mini)")
    parser.add_argument("--no-peer", action="store_true", help="neither install nor run the peer")
    parser.add_argument("--quick", action="store_true", help="only try it out: the figures say nothing")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    benchmark: Benchmark = importlib.import_module(f"tests.bench.{options.name.replace('-', '_')}").run
    repository = Repository.of(options.geometry)
    report = Report(options.name, options.geometry, machine.device(), machine.versions(), as_json=options.json)
    CACHE.mkdir(parents=True, exist_ok=True)
    # Beside the models, so that these are linked and not copied.
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as scratch:
        setting = Setting(options.geometry, repository, Path(scratch), peer=not options.no_peer, quick=options.quick)
        for figure in benchmark(setting):
            report.print(figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
