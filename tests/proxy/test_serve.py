"""`knowledge-focus serve`: from its start to its end."""

from __future__ import annotations

import shutil
import signal
import socket
import stat
import subprocess
from pathlib import Path

import httpx2 as httpx
import psutil
import pytest

from tests.e2e.test_environment import tiny_bundle
from tests.pipe import Pipe
from tests.proxy.serving import PROGRAM, SECONDS, command, serving


def only_child(pid: int) -> psutil.Process:
    """The process that a process has started."""
    [child] = psutil.Process(pid).children()
    return child


def refused(data_dir: Path, *arguments: str | Path, catalog: Path | None = None) -> tuple[int, str]:
    """The exit code of one that cannot serve, and what it says."""
    ended = subprocess.run(
        command(data_dir, *arguments, catalog=catalog), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return ended.returncode, ended.stderr


def test_the_token_is_made_once_for_its_owner_alone_and_is_in_no_argument(data_dir: Path, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    with serving(data_dir, "--token-file", token_file) as served:
        assert served.token_file == token_file
        assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
        token = served.token
        for process in (psutil.Process(served.process.pid), only_child(served.process.pid)):
            assert token not in str((process.cmdline(), process.environ()))
        assert httpx.get(f"{served.url}/models", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        assert httpx.get(f"{served.url}/models").status_code == 401
    with serving(data_dir, "--token-file", token_file) as served:
        assert served.token == token
    for log in (data_dir / "logs").iterdir():
        assert token not in log.read_text()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_however_it_ends_no_process_is_left_and_the_folder_is_free(data_dir: Path, how: signal.Signals) -> None:
    with serving(data_dir) as served:
        sidecar = only_child(served.process.pid)
        assert served.leave(how) == (0 if how != signal.SIGKILL else -signal.SIGKILL)
        sidecar.wait(10)
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()


def test_a_sidecar_that_is_killed_comes_back_and_the_next_request_is_served(data_dir: Path) -> None:
    with serving(data_dir) as served:
        sidecar = only_child(served.process.pid)
        sidecar.kill()
        headers = {"Authorization": f"Bearer {served.token}"}
        assert httpx.get(f"{served.url}/models", headers=headers, timeout=SECONDS).status_code == 200
        assert only_child(served.process.pid) != sidecar


def test_a_taken_port_is_named(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refused(data_dir, "--port", str(port))
    assert code == 69
    assert f"port {port} of 127.0.0.1 is taken by another program" in said


def test_a_folder_that_a_window_has_is_told_by_its_exit_code(data_dir: Path) -> None:
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        code, said = refused(data_dir, "--port", "0")
    assert code == 75
    assert "another process uses this data folder" in said


def test_an_environment_that_cannot_be_made_is_told_with_what_uv_said_and_a_way_out(
    data_dir: Path, tmp_path: Path
) -> None:
    bundle = tiny_bundle(tmp_path)
    broken(bundle / "uv", "error: Failed to extract: No space left on device (os error 28)")
    code, said = refused(data_dir, "--port", "0", "--bundle", bundle)
    assert code == 69
    assert said.splitlines() == [
        "knowledge-focus: preparing the Python environment …",
        "knowledge-focus: the Python environment cannot be made: the disk is full",
        "uv 0",
        "error: Failed to extract: No space left on device (os error 28)",
        "Free some space, then start this again.",
    ]


def test_an_environment_that_is_lost_and_cannot_be_made_again_ends_it(data_dir: Path, tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path)
    (tmp_path / "wheels").rename(bundle / "wheels")
    with serving(data_dir, "--bundle", bundle) as served:
        assert served.leave() == 0  # it is made, and found by the next
    with serving(data_dir, "--bundle", bundle) as served:
        [module] = (data_dir / "python").glob("lib/python*/site-packages/alpha/__init__.py")
        shutil.rmtree(module.parent)
        broken(bundle / "uv", "error: it is broken")
        only_child(served.process.pid).kill()
        assert served.process.wait(SECONDS) == 69


def broken(uv: Path, says: str) -> None:
    """Puts a uv there that has a version and makes nothing."""
    uv.unlink()
    uv.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] && echo uv 0 || {{ echo '{says}' >&2; exit 2; }}\n")
    uv.chmod(0o755)


def test_while_it_serves_nothing_is_erased(data_dir: Path) -> None:
    with serving(data_dir) as served:
        (data_dir / "knowledge-focus.erasing").touch()
        before = set(data_dir.iterdir())
        finisher: list[str | Path] = [PROGRAM, "--data-dir", data_dir, "--finish-erasing"]
        ended = subprocess.run(finisher, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert ended.returncode == 73
        assert "stop `knowledge-focus serve`" in ended.stderr
        assert before <= set(data_dir.iterdir())
        headers = {"Authorization": f"Bearer {served.token}"}
        assert httpx.get(f"{served.url}/models", headers=headers).status_code == 200


def test_a_token_that_others_can_read_is_not_used(data_dir: Path, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("kf-0123456789012345678901234567890123456789")
    token_file.chmod(0o644)
    code, said = refused(data_dir, "--port", "0", "--token-file", token_file)
    assert code == 77
    assert "chmod 600" in said
    assert token_file.read_text().strip() not in said


def test_a_socket_in_the_data_folder_needs_no_port(data_dir: Path) -> None:
    with serving(data_dir, "--socket") as served:
        path = data_dir / "api.sock"
        assert served.url == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        headers = {"Authorization": f"Bearer {served.token}"}
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
            assert client.get("http://localhost/v1/models", headers=headers).status_code == 200
    assert not path.exists()
