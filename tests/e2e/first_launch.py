"""A first launch on a machine that has nothing yet: empty home and data folder, a local hub, a picture to ask about."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from tests.hub import write_catalog
from tests.hub.__main__ import FOLDER

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class FreshMachine:
    """`home` and `data_dir` are empty folders, `catalog` names the demo model at `hub`, `picture` is a PNG file."""

    home: Path
    data_dir: Path
    catalog: Path
    hub: str
    picture: Path

    @property
    def arguments(self) -> list[str]:
        """What the app and the sidecar are started with."""
        return ["--data-dir", str(self.data_dir), "--catalog", str(self.catalog)]


def draw_picture(path: Path) -> Path:
    """A red circle on a light background, as a person would draw it in a paint program; 320 × 240 pixels."""
    picture = Image.new("RGB", (320, 240), (244, 240, 232))
    ImageDraw.Draw(picture).ellipse((110, 60, 230, 180), fill=(220, 30, 40))
    picture.save(path)
    return path


@contextmanager
def fresh_machine(rate: int | None = None, mirrors: Sequence[str] = ()) -> Iterator[FreshMachine]:
    """Prepares all of it in a temporary folder; the hub runs until the context ends.

    Args:
        rate: bytes a second that the hub sends at most, so that a download can be watched.
        mirrors: those that the catalog names before the hub.
    """
    with _ended_in_order(), tempfile.TemporaryDirectory(prefix="knowledge-focus-") as folder, _hub(rate) as url:
        home = Path(folder)
        catalog = write_catalog(home / "catalog.json", url, FOLDER, mirrors)
        yield FreshMachine(home, home / "data", catalog, url, draw_picture(home / "red circle.png"))


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """SIGTERM leaves by way of every `finally`, so that no hub and no folder stays behind."""
    before = signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _hub(rate: int | None) -> Iterator[str]:
    limits = [] if rate is None else ["--rate", str(rate)]
    command = [sys.executable, "-m", "tests.hub", *limits]
    hub = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert hub.stdout is not None
    try:
        yield hub.stdout.readline().strip()
    finally:
        hub.terminate()
        hub.wait(timeout=10)
        hub.stdout.close()
