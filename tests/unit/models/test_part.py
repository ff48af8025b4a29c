"""A part gets its final name from the download that wants it, once."""

import hashlib
import os
from contextlib import closing
from pathlib import Path

import pytest

from sidecar.models.manifest import RepositoryFile
from sidecar.models.part import Part
from sidecar.models.stop import Stop, Stopped
from sidecar.models.verify import Digest

CONTENT = b"weights"
FILE = RepositoryFile("model.safetensors", len(CONTENT), Digest("sha256", hashlib.sha256(CONTENT).hexdigest()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.part"
    path.write_bytes(CONTENT)
    return path


def resumed(path: Path) -> Part:
    part = Part(path, FILE)
    part.resume(Stop())
    assert part.is_genuine
    return part


def test_a_part_that_was_cancelled_while_the_disk_was_flushed_is_left_to_who_goes_on_with_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, flush = Stop(), os.fsync

    def cancelled_meanwhile(descriptor: int) -> None:
        flush(descriptor)
        stop.set()

    monkeypatch.setattr(os, "fsync", cancelled_meanwhile)
    blob = path.with_name("blob")
    with closing(resumed(path)) as part, pytest.raises(Stopped):
        part.keep_as(blob, stop)
    assert path.read_bytes() == CONTENT
    assert not blob.exists()


def test_a_part_that_another_thread_has_named_already_is_done(path: Path) -> None:
    blob = path.with_name("blob")
    with closing(resumed(path)) as late, closing(resumed(path)) as part:
        late.keep_as(blob, Stop())
        part.keep_as(blob, Stop())
    assert blob.read_bytes() == CONTENT


def test_a_part_that_vanished_is_an_error(path: Path) -> None:
    with closing(resumed(path)) as part:
        path.unlink()
        with pytest.raises(FileNotFoundError):
            part.keep_as(path.with_name("blob"), Stop())
