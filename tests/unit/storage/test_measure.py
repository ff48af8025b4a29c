"""Each file in a folder counts once, for one kind, by its room on the disk."""

import os
import subprocess
from pathlib import Path

from sidecar.storage.measure import Kind, measure

SIZE = 10_000


def write(path: Path, size: int = SIZE) -> int:
    """Room that it takes on the disk, in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(b"x" * size)
        os.fsync(file.fileno())
    return path.lstat().st_blocks * 512


def test_a_file_counts_for_the_nearest_path_that_it_is_or_lies_in(tmp_path: Path) -> None:
    kinds: dict[Path, Kind] = {
        tmp_path / "models": "model",
        tmp_path / "models" / "one" / "parts": "partial",
        tmp_path / "a.db": "database",
    }
    model = write(tmp_path / "models" / "one" / "blob") + write(tmp_path / "models" / "two" / "deep" / "down" / "blob")
    partial = write(tmp_path / "models" / "one" / "parts" / "0.part", 50_000)
    database = write(tmp_path / "a.db")
    other = write(tmp_path / "a.db-backup") + write(tmp_path / "notes" / "thesis.odt")

    assert measure(tmp_path, kinds) == {"model": model, "partial": partial, "database": database, "other": other}


def test_a_file_of_two_names_counts_once_and_a_link_as_itself(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside / "large", 1_000_000)
    inside = tmp_path / "inside"
    once = write(inside / "file")
    (inside / "name").hardlink_to(inside / "file")
    (inside / "link").symlink_to(outside)
    (inside / "loop").symlink_to(inside)

    links = sum((inside / name).lstat().st_blocks * 512 for name in ("link", "loop"))
    assert measure(inside, {}).total() == once + links


def test_it_is_what_the_systems_own_tool_counts(tmp_path: Path) -> None:
    for number in range(50):
        write(tmp_path / f"{number % 7}" / f"{number % 3}" / f"{number}", number * 1_000)
    (tmp_path / "twin").hardlink_to(tmp_path / "1" / "1" / "1")
    folders = sum(Path(folder).lstat().st_blocks * 512 for folder, _, _ in os.walk(tmp_path))

    said = subprocess.run(["du", "-s", "-k", tmp_path], capture_output=True, check=True, text=True).stdout

    assert measure(tmp_path, {}).total() + folders == int(said.split()[0]) * 1024


def test_what_cannot_be_looked_into_counts_as_nothing(tmp_path: Path) -> None:
    assert measure(tmp_path / "gone", {}) == {}
