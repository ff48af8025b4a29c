"""How far a download is: the events that the window shows, and their arithmetic."""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

DownloadNotification = Literal[
    "builtin-model-download-progress", "builtin-model-download-completed", "builtin-model-download-failed"
]
EVENT_SECONDS = 1.05
"""Between two events of progress: at most one a second, also where they are delivered unevenly."""
SPEED_SECONDS = 5
"""The speed is that of this many last seconds."""


@dataclass(frozen=True)
class DownloadEvent:
    """One event, in the spelling of the original application. `name` is the notification that carries it."""

    name: DownloadNotification
    model_id: str
    progress: int
    """Percent; 100 only when every file was verified."""
    status: Literal["downloading", "completed", "failed"]
    message: str
    """For logs; the window words its own text from the numbers."""
    downloaded_bytes: int
    total_bytes: int | None
    speed_mbps: float | None = None
    """10⁶ bytes a second."""
    eta_seconds: int | None = None
    """Also where `downloaded_bytes` are all and a damaged file is fetched again."""
    file: str | None = None
    """The file that received bytes last; of a failure, the file it is about."""
    kind: str | None = None
    """Of a failure: the error's kind."""
    details: Mapping[str, Any] | None = None
    """Of a failure: the error's details, if it has any."""
    verifying: Literal[True] | None = None
    """All bytes are here, or it is a check of a model on disk."""

    def payload(self) -> dict[str, Any]:
        """The notification's params; what is not known is left out, but for the total."""
        fields = asdict(self)
        del fields["name"]
        return {name: value for name, value in fields.items() if value is not None or name == "total_bytes"}


class Progress:
    """The numbers of one running download, changed by all of its threads; single attributes may be read by others.

    `emit` gets an event of progress from `tick`, which the download calls once in `EVENT_SECONDS`, for the first time
    after `quiet_seconds`. How it ended is told by an event of its own, which therefore need not wait; the last event of
    progress says it again.
    """

    def __init__(
        self,
        model_id: str,
        downloaded_bytes: int,
        total_bytes: int | None,
        emit: Callable[[DownloadEvent], None],
        clock: Callable[[], float] = time.monotonic,
        verb: str = "Downloading",
        quiet_seconds: float = 0,
    ) -> None:
        self._model_id = model_id
        self._emit = emit
        self._clock = clock
        self._verb = verb
        self._lock = threading.Lock()
        self._on_disk: dict[Hashable, int] = {}
        self._fetched = 0
        self._samples: deque[tuple[float, int]] = deque([(clock(), 0)])
        self._next_at = clock() + quiet_seconds
        self._file: str | None = None
        self._percent = 0
        self.total_bytes = total_bytes
        self.downloaded_bytes = downloaded_bytes
        """Never goes back, not even where a damaged file starts again."""

    @property
    def verifying(self) -> bool:
        """Whether all bytes are here and are brought safely to the disk, or it is a check of a model on disk."""
        return self._verb == "Verifying" or self._missing_bytes() == 0

    def holds(self, content: Hashable, size: int) -> None:
        """Say how much of a content is on disk."""
        with self._lock:
            self._on_disk[content] = size
            self.downloaded_bytes = max(self.downloaded_bytes, sum(self._on_disk.values()))

    def received(self, file: str, size: int) -> None:
        """Count bytes that came from the network, or from where else they come; the speed is theirs."""
        with self._lock:
            self._fetched += size
            self._file = file

    def tick(self) -> None:
        """Emit an event of what is known now."""
        now = self._clock()
        self._next_at = now + EVENT_SECONDS
        self._samples.append((now, self._fetched))
        while len(self._samples) > 2 and self._samples[1][0] <= now - SPEED_SECONDS:
            self._samples.popleft()
        self._emit(self._event())

    def seconds_to_next(self) -> float:
        """How long no other event of progress may be told."""
        return max(0.0, self._next_at - self._clock())

    def completed(self) -> DownloadEvent:
        """The last event of a download that ended well."""
        self._percent = 100
        size = self.total_bytes or self.downloaded_bytes
        return self._final("completed", f"Completed: {readable(size)}", size)

    def failed(self, kind: str, message: str, details: Mapping[str, Any]) -> DownloadEvent:
        """The last event of any other download."""
        ended, file = self._final("failed", message, self.downloaded_bytes), details.get("file")
        return replace(ended, kind=kind, details=details or None, file=file if isinstance(file, str) else None)

    def _event(self) -> DownloadEvent:
        done, total = self.downloaded_bytes, self.total_bytes
        (began, before), (now, fetched) = self._samples[0], self._samples[-1]
        # Too little time says nothing; above all, the first event comes before any byte could.
        speed = (fetched - before) / (now - began) if now - began > 0.5 else None
        missing = self._missing_bytes()
        if total:
            # The total before the files are known is the catalog's word; it may be too small.
            self._percent = max(self._percent, min(99, done * 100 // total))
        message = f"{self._verb}... {readable(done)}" + (f" / {readable(total)}" if total else "")
        if missing == 0:
            message = "Verifying…"
        return DownloadEvent(
            "builtin-model-download-progress",
            self._model_id,
            self._percent,
            "downloading",
            message,
            done,
            total,
            speed_mbps=None if speed is None else round(speed / 1e6, 2),
            eta_seconds=round(missing / speed) if speed and missing is not None else None,
            file=self._file,
            verifying=True if self.verifying else None,
        )

    def _missing_bytes(self) -> int | None:
        """None until it is known what is on disk and what should be. More than is left of `downloaded_bytes` where a
        damaged file is fetched again."""
        with self._lock:
            if not self._on_disk or self.total_bytes is None:
                return None
            return max(0, self.total_bytes - sum(self._on_disk.values()))

    def _final(self, status: Literal["completed", "failed"], message: str, downloaded: int) -> DownloadEvent:
        ended: DownloadNotification = (
            "builtin-model-download-completed" if status == "completed" else "builtin-model-download-failed"
        )
        return DownloadEvent(ended, self._model_id, self._percent, status, message, downloaded, self.total_bytes)


def readable(size: int) -> str:
    """A number of bytes as people write it, in powers of ten: 1.2GB, 15.0MB, 3.4kB."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f}{name}"
    return f"{size}B"
