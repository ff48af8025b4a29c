"""A client that does not read: notifications wait, requests are served, answers are kept."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipe import TIMEOUT, Pipe

TEXT_BYTES = 10_000


@pytest.fixture
def unread(data_dir: Path) -> Iterator[Pipe]:
    """The probe behind a client that reads nothing before `start_reading`."""
    with Pipe.sidecar(data_dir, module="tests.rpc.probe", reading=False) as pipe:
        params = {"protocolVersion": 1, "client": {"name": "tests", "version": "1"}}
        pipe.send("initialize", params, request_id="initialize")
        yield pipe


def log_lines(data_dir: Path, text: str) -> int:
    log = data_dir / "logs" / "sidecar.log"
    return log.read_text().count(text) if log.exists() else 0


def wait_for_log(data_dir: Path, text: str, count: int) -> None:
    """What a client that does not read can see of the sidecar."""
    deadline = time.monotonic() + TIMEOUT
    while log_lines(data_dir, text) < count:
        assert time.monotonic() < deadline, f"{text} is not in the log {count} times"
        time.sleep(0.01)


def test_while_nobody_reads_notifications_wait_and_requests_are_still_served(unread: Pipe, data_dir: Path) -> None:
    flood = unread.send("probe/flood", {"count": 5000, "bytes": TEXT_BYTES})
    asked = [unread.send("probe/flooded") for _ in range(3)]
    # 5000 × 10 kB is far above the high-water mark; if writing held up reading, these would never be served.
    wait_for_log(data_dir, '"probe/flooded"', 3)
    unread.start_reading()
    counts = [unread.result(request_id)["count"] for request_id in asked]
    assert counts[-1] * TEXT_BYTES < 4 * 2**20, "notifications were queued without bound"
    assert unread.result(flood) == {"count": 5000}
    notes = [message for message in unread.kept() if message.get("method") == "probe/note"]
    assert len(notes) == 5000


def test_answers_to_a_client_that_does_not_read_are_never_dropped(unread: Pipe, data_dir: Path) -> None:
    ids = [unread.send("probe/long", {"bytes": 500_000}) for _ in range(20)]
    wait_for_log(data_dir, '"probe/long"', 20)
    unread.start_reading()
    assert [len(unread.result(request_id)["text"]) for request_id in ids] == [500_000] * 20


def test_a_request_whose_notifications_wait_can_be_cancelled(unread: Pipe, data_dir: Path) -> None:
    flood = unread.send("probe/flood", {"count": 5000, "bytes": TEXT_BYTES})
    unread.send("probe/flooded")
    wait_for_log(data_dir, '"probe/flooded"', 1)
    unread.cancel(flood)
    wait_for_log(data_dir, '"request_cancelled"', 1)
    unread.start_reading()
    assert unread.response(flood)["error"]["code"] == -32800


def test_of_a_state_nobody_reads_only_the_newest_waits(unread: Pipe, data_dir: Path) -> None:
    flood = unread.send("probe/flood", {"count": 500, "bytes": TEXT_BYTES})
    unread.send("probe/states", {"count": 1000}, request_id="states")
    wait_for_log(data_dir, '"probe/states"', 1)
    unread.start_reading()
    unread.result(flood)
    unread.result("states")
    counts: list[int] = []
    while not counts or counts[-1] < 1000:
        counts.append(unread.notification("probe/state")["count"])
    assert counts == sorted(counts)
    assert len(counts) < 10


def test_states_that_are_read_arrive_in_order(probe: Pipe) -> None:
    probe.send("probe/states", {"count": 100})
    counts = [0]
    while counts[-1] < 100:
        counts.append(probe.notification("probe/state")["count"])
    assert counts == sorted(set(counts))


def test_a_client_that_does_not_read_cannot_keep_the_process(unread: Pipe, data_dir: Path) -> None:
    unread.send("probe/flood", {"count": 5000, "bytes": TEXT_BYTES})
    unread.send("probe/flooded")
    wait_for_log(data_dir, '"probe/flooded"', 1)
    started = time.monotonic()
    unread.close_stdin()
    assert unread.exit_code() == 0
    assert time.monotonic() - started < 2
