"""What a package is made from."""

import json
import re
from pathlib import Path

import pytest
from packaging.tags import Tag

from setup.package import lock, wheels
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
