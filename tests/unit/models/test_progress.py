"""The arithmetic of progress, with a clock of its own."""

from sidecar.models import DownloadEvent
from sidecar.models.progress import Progress, readable
from sidecar.models.verify import Digest

FILE, OTHER = Digest("sha256", "a" * 64), Digest("sha256", "b" * 64)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def started(total: int | None = 2_600_000_000, downloaded: int = 0) -> tuple[Progress, list[DownloadEvent], Clock]:
    events: list[DownloadEvent] = []
    clock = Clock()
    return Progress("tiny", downloaded, total, events.append, clock), events, clock


def test_the_event_reads_as_the_original_application_wrote_it() -> None:
    progress, events, clock = started()
    progress.holds(OTHER, 1_000_000_000)  # on disk already
    for _ in range(2):
        clock.now += 1
        progress.received("model.safetensors", 100_000_000)
    progress.holds(FILE, 200_000_000)
    progress.tick()
    assert events[0].payload() == {
        "model_id": "tiny",
        "progress": 46,
        "status": "downloading",
        "message": "Downloading... 1.2GB / 2.6GB",
        "downloaded_bytes": 1_200_000_000,
        "total_bytes": 2_600_000_000,
        "speed_mbps": 100.0,
        "eta_seconds": 14,
        "file": "model.safetensors",
    }


def test_the_speed_is_that_of_the_last_seconds() -> None:
    progress, events, clock = started()
    for second in range(20):
        clock.now += 1
        progress.received("f", 50_000_000 if second < 10 else 1_000_000)
        progress.tick()
    assert events[5].speed_mbps == 50
    assert events[-1].speed_mbps == 1
    for _ in range(7):
        clock.now += 1
        progress.tick()
    assert events[-1].speed_mbps == 0
    assert events[-1].eta_seconds is None


def test_a_file_that_starts_again_does_not_turn_the_bar_back() -> None:
    progress, events, _ = started(total=1000)
    progress.holds(FILE, 900)
    progress.tick()
    progress.holds(FILE, 10)
    progress.tick()
    assert [(event.progress, event.downloaded_bytes) for event in events] == [(90, 900), (90, 900)]


def test_a_damaged_file_that_is_fetched_again_takes_time_and_is_not_verified() -> None:
    progress, events, clock = started(total=1000)
    progress.holds(FILE, 1000)
    progress.tick()
    assert events[-1].verifying
    progress.holds(FILE, 0)
    clock.now += 1
    progress.received("f", 100)
    progress.holds(FILE, 100)
    progress.tick()
    last = events[-1]
    assert (last.progress, last.downloaded_bytes, last.eta_seconds) == (99, 1000, 9)
    assert "verifying" not in last.payload()


def test_all_bytes_are_99_percent_until_they_are_verified() -> None:
    progress, events, _ = started(total=1000)
    progress.holds(FILE, 1000)
    assert progress.verifying
    progress.tick()
    assert [(event.progress, event.status, event.message, event.verifying) for event in events] == [
        (99, "downloading", "Verifying…", True)
    ]
    done = progress.completed()
    assert (done.progress, done.status, done.downloaded_bytes, done.total_bytes) == (100, "completed", 1000, 1000)


def test_a_failure_keeps_the_bar_and_names_kind_and_file() -> None:
    progress, _, _ = started(total=1000, downloaded=500)
    progress.tick()
    failed = progress.failed("mirror_failed", "the mirror answered 500", {"file": "config.json"})
    assert failed.payload() == {
        "model_id": "tiny",
        "progress": 50,
        "status": "failed",
        "message": "the mirror answered 500",
        "downloaded_bytes": 500,
        "total_bytes": 1000,
        "file": "config.json",
        "kind": "mirror_failed",
        "details": {"file": "config.json"},
    }


def test_an_unknown_total_is_said_to_be_unknown() -> None:
    progress, events, _ = started(total=None)
    progress.tick()
    assert events[0].payload()["total_bytes"] is None
    assert "speed_mbps" not in events[0].payload()
    assert events[0].message == "Downloading... 0B"
    assert events[0].progress == 0


def test_sizes_read_as_people_write_them() -> None:
    assert [readable(size) for size in (0, 999, 1500, 15_000_000, 2_600_000_000)] == [
        "0B", "999B", "1.5kB", "15.0MB", "2.6GB",
    ]  # fmt: skip
