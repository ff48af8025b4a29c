"""“Check for updates” through the real shell, of a copy marked as a Debian package's, as Tauri's tool marks it."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.display import virtual_display
from tests.e2e.releases import Releases, SigningKey, releases
from tests.e2e.test_environment import closed_address, tiny_bundle
from tests.e2e.window import BINARY, Window, open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the releases here are for x86-64"),
    pytest.mark.timeout(180),
]

UNMARKED, MARKED = b"__TAURI_BUNDLE_TYPE_VAR_UNK", b"__TAURI_BUNDLE_TYPE_VAR_DEB"
PACKAGE = bytes(range(256)) * 4000
FETCH = {"onPercent": None}


@contextmanager
def packaged(folder: Path, address: str, key: str) -> Iterator[Window]:
    """The app as a package has it, whose bundle says that releases are announced there."""
    program = folder / "bin" / BINARY.name
    program.parent.mkdir()
    content = BINARY.read_bytes()
    assert UNMARKED in content or MARKED in content
    program.write_bytes(content.replace(UNMARKED, MARKED))
    program.chmod(0o755)
    bundle = tiny_bundle(folder)
    (bundle / "updates.json").write_text(json.dumps({"address": address, "key": key}))
    arguments = ["--data-dir", str(folder / "data"), "--bundle", str(bundle)]
    variables = {"UV_DEFAULT_INDEX": closed_address()}  # a broken environment is when an update is needed most
    home = folder / "home"
    home.mkdir()
    with (
        virtual_display() as display,
        open_window(
            arguments, display=display, pictures=folder, home=home, variables=variables, binary=program
        ) as window,
    ):
        window.by_role("button", "Retry")
        yield window
        window.quit()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Releases]:
    with releases(tmp_path) as place:
        yield place


def test_a_newer_version_is_found_fetched_and_lies_where_the_person_has_downloads(
    tmp_path: Path, place: Releases
) -> None:
    downloads = tmp_path / "home/Downloads"
    with packaged(tmp_path, place.address, place.key.public) as window:
        package = place.announce("0.2.0", PACKAGE)
        assert window.invoke("update_fetch", FETCH)["refusal"]["kind"] == "invalid_params", "nothing was found yet"
        found = window.invoke("update_check")["answer"]
        page = found.pop("page")
        assert found == {"version": "0.2.0", "kind": "deb", "size": len(PACKAGE)}
        assert page.endswith("/page")

        package.write_bytes(PACKAGE[:-1] + b"x")
        assert window.invoke("update_fetch", FETCH)["refusal"]["kind"] == "update_untrusted"
        assert not downloads.exists()
        package.write_bytes(PACKAGE)
        assert window.invoke("update_fetch", FETCH) == {"answer": str(downloads / package.name)}
        assert [(file.name, file.read_bytes()) for file in downloads.iterdir()] == [(package.name, PACKAGE)]
        assert not list((tmp_path / "data/cache").glob("update*"))


def test_what_is_no_newer_version_of_ours_changes_nothing(tmp_path: Path, place: Releases) -> None:
    with packaged(tmp_path, place.address, place.key.public) as window:
        place.announce("0.0.9", PACKAGE)
        assert window.invoke("update_check") == {"answer": None}
        place.announce("0.2.0", PACKAGE, SigningKey(tmp_path / "another"))
        assert window.invoke("update_check")["refusal"]["kind"] == "update_untrusted"
        (place.folder / "latest.json").unlink()
        assert window.invoke("update_check")["refusal"]["kind"] == "update_unreachable"
        assert window.invoke("update_fetch", FETCH)["refusal"]["kind"] == "invalid_params"
