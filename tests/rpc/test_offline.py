"""With the model on disk nothing needs a network, and nothing tries to use one."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.engine.pictures import about, circle, data_url, encoded
from tests.hub import write_catalog
from tests.namespaces import ALONE, needs_namespaces
from tests.pipe import ROOT, Pipe
from tests.rpc.asking import asking

DEMO_MODEL = ROOT / "tests" / "demo_model" / "model"
TABLES = ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6")

# Python's own word on every socket that is made, also on one that lives for a moment only; children inherit it.
LISTENER = """
import os, socket, sys

def listen(event, args):
    if event == "socket.__new__" and args[1] in (socket.AF_INET, socket.AF_INET6):
        with open(os.environ["SOCKETS_SEEN"], "a") as seen:
            print(os.getpid(), *sys.argv, file=seen)

sys.addaudithook(listen)
"""


@pytest.fixture
def seen(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A file that names every Python process that makes an internet socket, and the environment that does it."""
    (tmp_path / "listener").mkdir()
    (tmp_path / "listener" / "sitecustomize.py").write_text(LISTENER)
    seen = tmp_path / "sockets"
    return seen, {"PYTHONPATH": str(tmp_path / "listener"), "SOCKETS_SEEN": str(seen)}


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return write_catalog(tmp_path / "catalog.json", "http://127.0.0.1:1", DEMO_MODEL)


@pytest.fixture
def folder_with_model(data_dir: Path, catalog: Path) -> Path:
    """A data folder in which the demo model is."""
    with Pipe.sidecar(data_dir, catalog) as pipe:
        pipe.initialize()
        pipe.request("models/import", {"path": str(DEMO_MODEL)})
        pipe.notification("builtin-model-download-completed")
    return data_dir


def internet_sockets(pid: int) -> Iterator[str]:
    """Of a process and its children, as `PID: table` for each open one."""
    for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        proc = Path(f"/proc/{process.pid}")
        inodes: dict[str, str] = {}
        for table in TABLES:
            if (path := proc / "net" / table).exists():
                rows = [line.split() for line in path.read_text().splitlines()[1:]]
                inodes |= {row[9]: table for row in rows}
        for descriptor in (proc / "fd").iterdir():
            try:
                target = str(descriptor.readlink())
            except FileNotFoundError:  # closed meanwhile
                continue
            if target.startswith("socket:[") and (inode := target[8:-1]) in inodes:
                yield f"{process.pid}: {inodes[inode]}"


@needs_namespaces
def test_with_the_model_on_disk_the_sidecar_starts_and_answers_without_any_network(
    folder_with_model: Path, catalog: Path, seen: tuple[Path, dict[str, str]]
) -> None:
    sockets, environment = seen
    command = [*ALONE, sys.executable, "-m", "sidecar", "--data-dir", str(folder_with_model), "--catalog", str(catalog)]
    with Pipe(command, env=environment) as pipe:
        pipe.initialize()
        assert interfaces(pipe.process.pid) == ["lo"]
        assert pipe.request("models/status")["state"] == "ready"
        picture = data_url(encoded(circle("red")))
        asked = asking("", messages=about(picture), stream=True, max_tokens=32)
        answering = pipe.send("chat/completions", asked)
        for _chunk in pipe.stream(answering, timeout=90):
            assert list(internet_sockets(pipe.process.pid)) == []
        assert pipe.result(answering)["choices"][0]["message"]["content"]
        # The one that opens pictures is among those that were looked at.
        others = [" ".join(each.cmdline()) for each in psutil.Process(pipe.process.pid).children(recursive=True)]
        assert [command for command in others if "worker import child" in command]
        assert list(internet_sockets(pipe.process.pid)) == []
    assert not sockets.exists(), sockets.read_text()


@needs_namespaces
def test_a_computer_without_any_network_is_told_apart_from_a_mirror_that_does_not_answer(
    data_dir: Path, catalog: Path
) -> None:
    command = [*ALONE, sys.executable, "-m", "sidecar", "--data-dir", str(data_dir), "--catalog", str(catalog)]
    with Pipe(command) as pipe:
        pipe.initialize()
        for mirror, kind in (("https://mirror.example", "no_network"), ("http://127.0.0.1:1", "mirror_unreachable")):
            pipe.request("models/download", {"mirror": mirror})
            failed = pipe.notification("builtin-model-download-failed", timeout=60)
            assert failed["kind"] == kind


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_what_looks_for_sockets_finds_one(seen: tuple[Path, dict[str, str]]) -> None:
    before = list(internet_sockets(os.getpid()))  # those of the hubs of other tests
    with socket.create_server(("127.0.0.1", 0)):
        assert list(internet_sockets(os.getpid())) == [f"{os.getpid()}: tcp", *before]
    assert list(internet_sockets(os.getpid())) == before
    sockets, environment = seen
    code = "import socket; socket.socketpair(); socket.socket().close()"
    subprocess.run([sys.executable, "-c", code], env=os.environ | environment, check=True, timeout=30)
    assert len(sockets.read_text().splitlines()) == 1


def interfaces(pid: int) -> list[str]:
    """The network interfaces that a process has."""
    return [line.split(":")[0].strip() for line in Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]]
