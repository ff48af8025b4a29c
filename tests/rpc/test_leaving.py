"""The process leaves when it is asked to, and when nobody is left to ask it."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.pipe import ROOT, TIMEOUT, Pipe, RpcError
from tests.rpc.asking import asking

LIMIT_SECONDS = 2.0


def test_the_end_of_stdin_ends_the_process(sidecar: Pipe) -> None:
    started = time.monotonic()
    sidecar.close_stdin()
    assert sidecar.exit_code() == 0
    assert time.monotonic() - started < LIMIT_SECONDS


def test_the_end_of_stdin_ends_the_process_while_its_event_loop_is_blocked(probe: Pipe) -> None:
    probe.send("probe/block")
    assert probe.notification("probe/note") == {"text": "blocking"}
    started = time.monotonic()
    probe.close_stdin()
    assert probe.exit_code() == 0
    assert time.monotonic() - started < LIMIT_SECONDS


def test_at_the_end_of_stdin_what_runs_is_still_answered(probe: Pipe) -> None:
    hanging = probe.send("probe/hang")
    probe.request("ping")
    probe.close_stdin()
    assert probe.response(hanging)["error"]["data"]["kind"] == "request_cancelled"
    assert probe.exit_code() == 0


def test_what_a_request_must_finish_is_finished_before_the_process_leaves(probe: Pipe) -> None:
    finishing, hanging = probe.send("probe/finish", {"text": "done"}), probe.send("probe/hang")
    probe.request("ping")
    probe.close_stdin()
    for request in (finishing, hanging):
        assert probe.response(request)["error"]["data"]["kind"] == "request_cancelled"
    assert probe.notification("probe/note") == {"text": "done"}
    assert probe.exit_code() == 0


def test_the_end_of_stdin_before_the_handshake_ends_the_process(fresh_sidecar: Pipe) -> None:
    fresh_sidecar.close_stdin()
    assert fresh_sidecar.exit_code() == 0


@pytest.mark.parametrize("priority", [1, 10], ids=["a person's", "the background's"])
def test_an_engine_that_hangs_fails_its_requests_and_ends_the_process_with_a_code_of_its_own(
    data_dir: Path, catalog: Path, priority: int
) -> None:
    with Pipe.sidecar(data_dir, catalog, module="tests.rpc.hanging") as pipe:
        pipe.initialize()
        pipe.request("models/download")
        pipe.notification("builtin-model-download-completed")

        with pytest.raises(RpcError) as failed:
            pipe.request("chat/completions", asking("hello", priority=priority), timeout=60)

        assert failed.value.kind == "engine_failed"
        assert failed.value.data["retryable"]
        assert failed.value.data["details"] == {"reason": "hung"}
        assert pipe.exit_code() == 70


def test_whoever_comes_while_the_engine_hangs_hears_why_they_are_not_answered(data_dir: Path, catalog: Path) -> None:
    with Pipe.sidecar(data_dir, catalog, module="tests.rpc.hanging") as pipe:
        pipe.initialize()
        pipe.request("models/download")
        pipe.notification("builtin-model-download-completed")
        hanging = pipe.send("chat/completions", asking("hello"))
        while not pipe.notification("engine/status")["running"]["high"]:
            pass

        later = [pipe.send("chat/completions", asking("and I")), pipe.send("engine/pause")]

        for request in (hanging, *later):
            data = pipe.response(request, timeout=60)["error"]["data"]
            assert (data["kind"], data["retryable"], data["details"]) == ("engine_failed", True, {"reason": "hung"})
        assert pipe.exit_code() == 70


def test_half_a_line_at_the_end_of_stdin_is_not_served(probe: Pipe) -> None:
    probe.write_bytes(b'{"jsonrpc": "2.0", "id": "a", "method": "ping"}')
    probe.close_stdin()
    assert probe.exit_code() == 0
    assert probe.kept() == []


def test_shutdown_answers_everything_and_then_itself(probe: Pipe) -> None:
    hanging = probe.send("probe/hang")
    started = time.monotonic()
    assert probe.request("shutdown") == {}
    assert probe.response(hanging)["error"]["data"]["kind"] == "request_cancelled"
    assert probe.exit_code() == 0
    assert time.monotonic() - started < LIMIT_SECONDS


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_end_is_a_wish_to_leave(sidecar: Pipe, number: signal.Signals) -> None:
    sidecar.process.send_signal(number)
    assert sidecar.exit_code() == 0


def test_a_stdout_that_nobody_holds_any_more_ends_the_process(probe: Pipe, data_dir: Path) -> None:
    """Its stdin stays open: only the broken pipe tells that answers go nowhere."""
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "sidecar", "--data-dir", str(data_dir.with_name("other"))]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=writing)
    assert process.stdin
    os.close(writing)
    os.close(reading)
    process.stdin.write(b"anything\n")
    process.stdin.flush()
    assert process.wait(TIMEOUT) == 0
    process.stdin.close()


# The parent starts the sidecar on pipes that somebody else holds too, and waits to be killed.
PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-m", sys.argv[1], "--data-dir", sys.argv[2]])
time.sleep(600)
"""


@pytest.mark.parametrize("blocked", [False, True], ids=["idle", "event loop blocked"])
def test_the_death_of_the_parent_ends_the_process_though_its_pipes_stay_open(data_dir: Path, blocked: bool) -> None:
    command = [sys.executable, "-c", PARENT, "tests.rpc.probe", str(data_dir)]
    with Pipe(command) as pipe:
        assert pipe.initialize()["pid"] != pipe.process.pid
        if blocked:
            pipe.send("probe/block")
            pipe.notification("probe/note")
        started = time.monotonic()
        pipe.process.kill()
        pipe.wait_for_end()
        assert time.monotonic() - started < LIMIT_SECONDS


# Takes in those whose parent dies, in the same session: the system does not wake who is stopped then.
TAKING_IN = """
import ctypes, os, subprocess, sys, time
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
subprocess.Popen([sys.executable, "-c", *sys.argv[1:]])
os.closerange(0, 3)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has others take an orphan in")
def test_the_death_of_the_parent_ends_a_process_that_is_stopped(data_dir: Path) -> None:
    command = [sys.executable, "-c", TAKING_IN, PARENT, "sidecar", str(data_dir)]
    with Pipe(command) as pipe:
        sidecar = psutil.Process(pipe.initialize()["pid"])
        parent = sidecar.parent()
        assert parent
        sidecar.suspend()
        try:
            parent.kill()
            pipe.wait_for_end()
        finally:
            pipe.process.kill()


def exit_code(*arguments: str, **options: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", *arguments],
        cwd=ROOT,
        env=os.environ | options,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--data-dir"],
        ["--data-dir", ""],
        ["--data-dir", "/"],
        ["--data-dir", "/dev/null"],
        ["--no-such"],
        ["extra"],
    ],
    ids=" ".join,
)
def test_bad_arguments_exit_with_64_and_say_so(arguments: list[str]) -> None:
    code, said = exit_code(*arguments)
    assert code == 64
    assert said.startswith("sidecar: ")
    assert "Traceback" not in said


def test_a_folder_of_other_things_is_not_taken_for_a_data_folder_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("")
    tmp_path.chmod(0o755)
    code, said = exit_code("--data-dir", str(tmp_path))
    assert code == 64
    assert f"{tmp_path} holds other things" in said
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.odt"]


def test_a_data_folder_whose_name_cannot_be_said_in_json_is_refused(tmp_path: Path) -> None:
    code, said = exit_code("--data-dir", str(tmp_path) + "/\udcff")
    assert code == 64
    assert "not UTF-8" in said


@pytest.mark.parametrize(
    "text",
    [None, "not JSON", json.dumps({"models": []}), "[" * 100_000],
    ids=["missing", "words", "empty", "deeply nested"],
)
def test_a_catalog_that_cannot_be_read_exits_with_64(data_dir: Path, tmp_path: Path, text: str | None) -> None:
    catalog = tmp_path / "catalog.json"
    if text is not None:
        catalog.write_text(text)
    code, said = exit_code("--data-dir", str(data_dir), "--catalog", str(catalog))
    assert code == 64
    assert str(catalog) in said


def test_a_data_folder_in_use_exits_with_75_and_the_first_one_goes_on(sidecar: Pipe, data_dir: Path) -> None:
    code, said = exit_code("--data-dir", str(data_dir))
    assert code == 75
    assert "another sidecar" in said
    assert sidecar.request("ping") == {"pong": True}


def test_the_data_folder_of_one_that_was_killed_is_free(sidecar: Pipe, data_dir: Path) -> None:
    sidecar.process.kill()
    with Pipe.sidecar(data_dir) as second:
        second.initialize()
        assert second.request("ping") == {"pong": True}


def test_one_that_starts_while_the_last_is_leaving_waits_for_it(probe: Pipe, data_dir: Path) -> None:
    probe.send("probe/block")
    probe.notification("probe/note")
    probe.close_stdin()  # it holds the folder until it is ended from outside its event loop
    with Pipe.sidecar(data_dir) as second:
        second.initialize()
        assert second.request("ping") == {"pong": True}
