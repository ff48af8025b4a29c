"""What a download makes of the line."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figure import Figure, Peer, median, skipped
from tests.bench.goal import Goal
from tests.bench.setting import Setting
from tests.hub import Hub, HubRequest, write_catalog
from tests.hub.link import Link
from tests.pipe import Pipe

REPOSITORY = "knowledge-focus/qwen3-vl-demo"  # the one that the hub's catalog names
FILES = 4  # as many as are in flight
SIZE = 128_000_000  # bytes of each, over loopback
ROUNDS = 9
HOME_SIZE = 6_000_000  # bytes of each, over the line
HOME_RATE = 1e6  # bytes a second: 8 Mbit/s
PATIENCE = 300.0
ENDS = ("builtin-model-download-completed", "builtin-model-download-failed")


def run(setting: Setting) -> Iterator[Figure]:
    """`throughput`: bytes of four files that arrive over loopback, hashed on the way, from the first one's request to
    the end of the last one's connection, which its client closes with all of it; against plain curl with four transfers
    at once, which does not hash; in turns, after a round that does not count, and from a hub that leaves the processor
    to them. `throughput_to_completed`: from the person's request until the model counts, with every file on the disk
    for good (fsync), which curl does not wait for. `wire_over_model`: all bytes that left the hub, headers
    and those included that went with a connection, over those of the model (a piece that only comes late counts
    once), on a line of 8 Mbit/s and 200 ms that loses 2 % of its pieces of 64 KiB, each other time with the
    connection; `wire_over_model_late_twice` counts it twice, as the line does; `line_used`: the model's share of what
    the line could carry."""
    yield from _over_loopback(setting)
    yield from _over_a_home_line(setting)


def _over_loopback(setting: Setting) -> Iterator[Figure]:
    folder = _repository(setting.scratch / "large", 500_000 if setting.quick else SIZE)
    curl = shutil.which("curl")
    arrived: list[float] = []
    completed: list[float] = []
    peer: list[float] = []
    total = _size(folder)
    with Hub({REPOSITORY: folder}, lean=True) as hub, _sidecar(setting, hub, folder, "loopback") as sidecar:
        for _ in range(1 + setting.rounds(ROUNDS)):
            seconds = _download(sidecar, hub, total)
            arrived.append(total / seconds[0] / 1e6)
            completed.append(total / seconds[1] / 1e6)
            if curl:
                peer.append(total / _curl(curl, hub, folder, setting.scratch / "curl", total) / 1e6)
    against = Peer("curl", median(peer[1:])) if peer else None
    note = f"{_range(arrived)}; " + (f"curl {_range(peer)}" if peer else "no curl to compare with")
    yield Figure("throughput", median(arrived[1:]), "MB/s", against, goals=(Goal(">=", 0.8, "ratio"),), note=note)
    yield Figure("throughput_to_completed", median(completed[1:]), "MB/s", against, note=_range(completed))


def _range(rounds: list[float]) -> str:
    """Of the rounds that count."""
    return f"{min(rounds[1:]):.0f} to {max(rounds[1:]):.0f} in {len(rounds) - 1} rounds"


def _over_a_home_line(setting: Setting) -> Iterator[Figure]:
    folder = _repository(setting.scratch / "small", 100_000 if setting.quick else HOME_SIZE)
    total = _size(folder)
    line = Link(HOME_RATE, 0.2, 0.02)
    with Hub({REPOSITORY: folder}, link=line) as hub, _sidecar(setting, hub, folder, "home") as sidecar:
        started = time.perf_counter()
        sidecar.request("models/download")
        event = sidecar.take(lambda message: message.get("method", "").endswith(ENDS), timeout=PATIENCE)
        seconds = time.perf_counter() - started
        if kind := event["params"].get("kind"):
            yield skipped("wire_over_model", "", f"the download failed: {kind}")
            return
        wire = sum(request.sent + _header_bytes(request) for request in hub.log) + line.cut_bytes
        retried = len(hub.requests("get")) - FILES - 1
    yield Figure("wire_over_model", wire / total, "", goals=(Goal("<=", 1.02),), note=f"{retried} connections were cut")
    lost = (line.cut_bytes + line.late_bytes) / total
    note = f"{lost:.4f} of it is what was lost"
    yield Figure("wire_over_model_late_twice", (wire + line.late_bytes) / total, "", note=note)
    yield Figure("line_used", total / HOME_RATE / seconds, "")


def _repository(folder: Path, size: int) -> Path:
    folder.mkdir()
    block = bytes(range(256)) * 4096
    for number in range(FILES):
        with (folder / f"model-{number}.safetensors").open("wb") as file:
            file.write(bytes([number]) * 16)  # or it would be one content, which is fetched once
            while (missing := size - file.tell()) > 0:
                file.write(block[:missing])
    (folder / "config.json").write_text("{}")
    return folder


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _sidecar(setting: Setting, hub: Hub, folder: Path, name: str) -> Pipe:
    sidecar = Pipe.sidecar(setting.scratch / name, write_catalog(setting.scratch / f"{name}.json", hub.url, folder))
    sidecar.initialize()
    return sidecar


def _download(sidecar: Pipe, hub: Hub, total: int) -> tuple[float, float]:
    """Seconds from the first request of a file to the end of the last one's connection, and from our own request to
    the model; then it is deleted."""
    asked = time.perf_counter()
    seen = len(hub.log)
    sidecar.request("models/download")
    seconds = _transfer(hub, seen, total)
    sidecar.notification("builtin-model-download-completed", timeout=PATIENCE)
    completed = time.perf_counter() - asked
    sidecar.request("models/delete")
    return seconds, completed


def _curl(curl: str, hub: Hub, folder: Path, target: Path, total: int) -> float:
    """Seconds from the first request to the end of the last connection."""
    target.mkdir()
    command = [curl, "--no-progress-meter", "--fail", "--parallel", "--parallel-max", str(FILES)]
    for file in folder.iterdir():
        command += ["--output", str(target / file.name), f"{hub.url}/{REPOSITORY}/resolve/main/{file.name}"]
    seen = len(hub.log)
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        seconds = _transfer(hub, seen, total)
        process.wait(PATIENCE)
    shutil.rmtree(target)
    return seconds


def _transfer(hub: Hub, seen: int, total: int) -> float:
    """Seconds between the first request of a file after the `seen` ones, and the end of the last one's connection: a
    byte that has left the hub may still lie in the system's memory."""

    def files() -> list[HubRequest]:
        return [request for request in hub.log[seen:] if request.endpoint == "get"]

    hub.wait_until(lambda: bool(files()), PATIENCE)
    started = time.perf_counter()
    hub.wait_until(lambda: _all_arrived(files(), total), PATIENCE)
    return time.perf_counter() - started


def _all_arrived(files: list[HubRequest], total: int) -> bool:
    return sum(request.sent for request in files) >= total and all(request.closed for request in files)


def _header_bytes(request: HubRequest) -> int:
    """Of a request and its answer, which has about as many: both cross the line."""
    return 2 * (len(request.url) + sum(len(name) + len(value) + 4 for name, value in request.headers.items()))
