"""Which folders become the data folder, and which are left exactly as they are."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar import backup
from sidecar.data_folder import DataFolder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refused(name: str | Path) -> str:
    with pytest.raises(ValueError, match=r"\w") as caught:
        DataFolder.named(str(name)).prepare()
    return str(caught.value)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, open to be looked into."""
    home = tmp_path / "home" / "person"
    home.mkdir(parents=True)
    home.chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A folder that holds something of a person's."""
    folder = tmp_path / "Documents"
    folder.mkdir()
    (folder / "thesis.odt").write_text("")
    folder.chmod(0o755)
    return folder


def test_a_new_folder_is_its_owners_only(tmp_path: Path) -> None:
    DataFolder.named(str(tmp_path / "a" / "b")).prepare()
    assert mode(tmp_path / "a" / "b") == 0o700


def test_an_empty_folder_is_taken_and_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    DataFolder.named(str(tmp_path)).prepare()
    assert mode(tmp_path) == 0o700


def test_home_by_any_name_and_what_holds_it_are_refused(home: Path, tmp_path: Path) -> None:
    (home / "Documents").mkdir()
    (tmp_path / "link").symlink_to(home)
    for name in (home, home / "Documents" / "..", tmp_path / "link", home.parent):
        assert "your home folder" in refused(name)
    assert mode(home) == 0o755


def test_home_is_refused_though_it_is_empty_or_holds_things_of_ours(home: Path) -> None:
    assert "your home folder" in refused(home)
    (home / "builtin_models").mkdir()
    assert "your home folder" in refused(home)


def test_a_folder_of_other_things_is_refused_and_not_changed(other: Path) -> None:
    assert "holds other things" in refused(other)
    assert mode(other) == 0o755
    assert [entry.name for entry in other.iterdir()] == ["thesis.odt"]


def test_the_shells_files_do_not_make_other_things_ours(other: Path) -> None:
    for name in ("shell.json", "window.lock", "logs"):
        (other / name).mkdir()
    assert "holds other things" in refused(other)


def test_a_shared_folder_is_refused_even_where_it_is_empty(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    assert "shared" in refused(tmp_path)
    assert mode(tmp_path) == 0o1777


@pytest.mark.parametrize(
    "names",
    [
        ("shell.json", "window.lock", "window.bell", "logs", "attachments", "python", "cache"),
        ("builtin_models",),
        ("builtin_models", "notes of a person"),
        ("knowledge-focus.db", "knowledge-focus.db-wal"),
        (".DS_Store",),
    ],
    ids=[
        "after the shell",
        "a model copied first",
        "used, with something put beside",
        "a database",
        "seen in the Finder",
    ],
)
def test_a_folder_of_ours_is_taken_and_closed(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    tmp_path.chmod(0o755)
    DataFolder.named(str(tmp_path)).prepare()
    assert mode(tmp_path) == 0o700


def test_the_platforms_folder_is_ours_with_what_the_web_view_keeps_there(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge-focus.huozhong.in"
    (folder / "hsts-storage").mkdir(parents=True)
    DataFolder.named(str(folder)).prepare()
    assert mode(folder) == 0o700


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "circle").symlink_to("circle")
    assert "not a folder" in refused(tmp_path / "file")
    assert "circle" in refused(tmp_path / "circle")
    assert "no name" in refused("")


def test_what_can_be_made_again_is_kept_out_of_backups_and_what_a_person_made_is_not(tmp_path: Path) -> None:
    folder = DataFolder.named(str(tmp_path / "data"))
    (tmp_path / "data" / "python").mkdir(parents=True)
    folder.prepare()
    archive = tmp_path / "backup.tar"
    kept = subprocess.run(
        ["tar", "--exclude-caches-all", "-cvf", str(archive), "-C", str(tmp_path), "data"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.split()
    assert sorted(kept) == ["data/", "data/attachments/", "data/logs/"]


def test_a_mark_is_neither_written_through_a_link_nor_over_what_is_there(tmp_path: Path) -> None:
    target = tmp_path / "a file of the person's"
    target.write_text("theirs")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / backup.TAG).symlink_to(target)
    (tmp_path / "dangling").mkdir()
    (tmp_path / "dangling" / backup.TAG).symlink_to(tmp_path / "nothing")
    for name in ("linked", "dangling"):
        backup.leave_out(tmp_path / name)
    assert target.read_text() == "theirs"
    assert not (tmp_path / "nothing").exists()


@pytest.mark.skipif(sys.platform != "darwin", reason="an attribute of macOS")
def test_macos_keeps_a_marked_folder_out_of_its_backups(tmp_path: Path) -> None:
    backup.leave_out(tmp_path)
    said = subprocess.run(
        ["tmutil", "isexcluded", str(tmp_path)], capture_output=True, text=True, check=True, timeout=30
    )
    assert said.stdout.startswith("[Excluded]")
