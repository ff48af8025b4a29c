"""What a package is made from."""

import json
import re
from pathlib import Path

import pytest
from packaging.tags import Tag

from setup.package import bundle, lock, release, wheels
from tests.pipe import ROOT

LOCK = """
[[package]]
name = "Alpha"
version = "1.0"
sdist = { url = "https://x/alpha-1.0.tar.gz", size = 1 }
wheels = [
  { url = "https://x/alpha-1.0-cp311-cp311-macosx_14_0_arm64.whl", size = 10 },
  { url = "https://x/alpha-1.0-cp312-cp312-macosx_14_0_arm64.whl", size = 100 },
  { url = "https://x/alpha-1.0-py3-none-any.whl", size = 1000 },
]

[[package]]
name = "beta"
version = "2.0"
sdist = { url = "https://x/beta-2.0.tar.gz", size = 10000 }
"""
REQUIREMENTS = """\
# a comment
alpha==1.0 ; python_full_version >= '3.11' \\
    --hash=sha256:00 \\
    --hash=sha256:01
beta==2.0
gamma==3.0 ; sys_platform == 'never'
"""


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    file = tmp_path / "uv.lock"
    file.write_text(LOCK)
    return file


def test_a_first_launch_fetches_the_best_wheel_of_each_needed_package_and_the_source_where_there_is_none(
    locked: Path,
) -> None:
    assert list(lock.needed(REQUIREMENTS)) == [("alpha", "1.0"), ("beta", "2.0")]
    assert lock.download_bytes(locked, REQUIREMENTS) == 1000 + 10000
    alpha = lock.read(locked)["alpha", "1.0"]
    tags = [Tag("cp312", "cp312", "macosx_14_0_arm64"), Tag("py3", "none", "any")]
    assert lock.chosen(alpha, tags)["size"] == 100


def test_a_package_that_this_computer_cannot_have_is_named() -> None:
    package = {"name": "alpha", "version": "1.0", "wheels": [{"url": "https://x/alpha-1.0-cp311-cp311-win32.whl"}]}
    with pytest.raises(LookupError, match=r"alpha 1\.0"):
        lock.chosen(package)


def test_every_requirement_keeps_its_hashes() -> None:
    blocks = dict(wheels.blocks(REQUIREMENTS))
    assert blocks["alpha"].count("--hash") == 2
    assert list(blocks) == ["alpha", "beta", "gamma"]


def test_what_the_shell_looks_for_is_what_is_made() -> None:
    shell = (ROOT / "tauri-app/src-tauri/src/bundle.rs").read_text()
    config = json.loads((ROOT / "tauri-app/src-tauri/tauri.package.conf.json").read_text())["bundle"]
    (beside,) = (Path(path).name for path in config["externalBin"])
    assert f'UV_BESIDE: &str = "{beside}"' in shell
    (folder,) = config["resources"].values()
    assert f'FOLDER: &str = "{folder.rstrip("/")}"' in shell


def test_the_uv_of_a_package_is_the_one_that_the_commands_run_on() -> None:
    (version,) = re.findall(r"^uv_version=(.+)$", (ROOT / "just").read_text(), re.MULTILINE)
    assert ("uv", version) in lock.read(ROOT / "uv.lock")


def test_a_release_names_its_packages_by_kind_and_computer_with_their_digests(tmp_path: Path) -> None:
    (tmp_path / "Knowledge-Focus_0.2.0_amd64.deb").write_bytes(b"abc")
    (tmp_path / "Knowledge Focus_0.2.0_aarch64.dmg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no package")
    described = release.describe("0.2.0", "https://x/notes", "https://x/files/", tmp_path)
    assert described["files"].keys() == {"deb-x86_64", "dmg-aarch64"}
    assert described["files"]["deb-x86_64"] == {
        "url": "https://x/files/Knowledge-Focus_0.2.0_amd64.deb",
        "name": "Knowledge-Focus_0.2.0_amd64.deb",
        "size": 3,
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }
    assert described["files"]["dmg-aarch64"]["url"] == "https://x/files/Knowledge%20Focus_0.2.0_aarch64.dmg"
    with pytest.raises(ValueError, match=r"not of version 0\.3\.0"):
        release.describe("0.3.0", "https://x/notes", "https://x", tmp_path)


def test_a_package_says_where_releases_are_only_with_the_key_that_signs_them(tmp_path: Path) -> None:
    bundle.name_releases(None, None, tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(SystemExit, match="go together"):
        bundle.name_releases("https://x/latest.json", None, tmp_path)
    bundle.name_releases("https://x/latest.json", "RW", tmp_path)
    assert json.loads((tmp_path / "updates.json").read_text()) == {"address": "https://x/latest.json", "key": "RW"}


def test_the_packages_that_the_workflow_publishes_are_those_that_the_app_looks_for() -> None:
    shell = (ROOT / "tauri-app/src-tauri/src/updating.rs").read_text()
    assert all(f'"{kind}"' in shell for kind in release.KINDS.values())
