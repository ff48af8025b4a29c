"""What a benchmark runs with, and the shape that all of them have."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from sidecar.data_folder import DataFolder
from tests.bench.client import Client
from tests.bench.figure import Figure
from tests.bench.peer import PeerServer
from tests.bench.repository import Repository

BUDGET_GB = 3.0  # the smallest a computer gets by default, so that figures can be compared
ROOMY_BUDGET_GB = 6.0  # room for eight rows of the 4B model


@dataclass(frozen=True)
class Setting:
    """`scratch` is an empty folder that is deleted afterwards. `quick` asks for as little as shows that it works: its
    figures say nothing. Without `peer` no peer is installed or run."""

    geometry: str
    repository: Repository
    scratch: Path
    peer: bool = True
    quick: bool = False

    def rounds(self, count: int) -> int:
        """How often to repeat what is repeated `count` times for a figure."""
        return 2 if self.quick else count

    def tokens(self, count: int) -> int:
        """How many tokens to have generated where `count` are asked for a figure."""
        return min(count, 8) if self.quick else count

    def tell(self, progress: str) -> None:
        """Says how far a long benchmark has come, beside its figures."""
        if not self.quick:
            print(progress, file=sys.stderr, flush=True)

    def sidecar(self, repository: Repository | None = None, *, budget_gb: float = BUDGET_GB) -> Client:
        """A fresh sidecar with the model on disk, in the data folder `scratch / "data"`."""
        budget = "--memory-budget", str(budget_gb)
        return Client.serving(repository or self.repository, self.scratch / "data", *budget)

    def unbounded(self) -> Client:
        """Another one, whose background has no bound on its steps, with room for all of it. It begins with the kernels
        that a sidecar before it had compiled."""
        cache = DataFolder(self.scratch / "data").cache
        data = DataFolder(self.scratch / "unbounded")
        if cache.exists():
            shutil.copytree(cache, data.cache)
        budget = "--memory-budget", str(ROOMY_BUDGET_GB)
        return Client.serving(self.repository, data.path, *budget, module="tests.bench.unbounded")

    def peer_server(self) -> AbstractContextManager[PeerServer]:
        """mlx-vlm's own server with the same weights."""
        return PeerServer.serving(self.repository.folder, self.scratch / "peer.log")


Benchmark = Callable[[Setting], Iterator[Figure]]
