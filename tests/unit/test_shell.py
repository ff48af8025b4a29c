"""What the shell has to know before there is a sidecar, or without one, is what the sidecar knows."""

import re
from pathlib import Path

import pi_heif
import pytest
from PIL import Image

from sidecar.data_folder import OWN_NAMES, PLATFORM_NAME, SIGNS, DataFolder
from sidecar.routing.providers import SECRET
from sidecar.worker import decoding

SHELL = Path(__file__).resolve().parents[2] / "tauri-app/src-tauri/src"
KEYCHAIN = SHELL.parents[1] / "crates/keychain/src"


def constant(file: str, name: str) -> list[str]:
    """The strings of a constant in one of the shell's sources."""
    found = re.search(rf"const {name}: [^=]+=([^;]+);", (SHELL / file).read_text())
    assert found is not None, f"{file} has no {name}"
    return re.findall(r'"([^"]*)"', found[1])


def test_both_take_the_same_folders_for_the_data_folder() -> None:
    assert constant("data_folder.rs", "PLATFORM_NAME") == [PLATFORM_NAME]
    assert set(constant("data_folder.rs", "SIGNS")) == SIGNS
    assert set(constant("data_folder.rs", "OTHER_OWN_NAMES")) == OWN_NAMES - SIGNS


def test_both_refuse_a_folder_in_the_same_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, home, shared, other = (tmp_path / name for name in ("file", "home", "shared", "other"))
    file.touch()
    (home / "person").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home / "person"))
    shared.mkdir()
    shared.chmod(0o1777)
    (other / "thesis").mkdir(parents=True)
    source = (SHELL / "data_folder.rs").read_text()
    for folder in (file, home, shared, other):
        with pytest.raises(ValueError, match=str(folder)) as caught:
            DataFolder.named(str(folder)).prepare()
        assert f'"{{}}{str(caught.value).removeprefix(str(folder))}"' in source


def test_the_shell_offers_pictures_of_every_kind_that_is_opened_and_of_no_other() -> None:
    pi_heif.register_heif_opener()  # as for a file that needs it
    offered = {Image.EXTENSION[f".{ending}"] for ending in constant("commands/attach.rs", "PICTURES")}
    assert offered == {*decoding.FORMATS, "HEIF"}


def test_both_take_keys_of_the_same_length() -> None:
    found = re.search(r"const LONGEST: usize = (\d+);", (KEYCHAIN / "secret.rs").read_text())
    assert found is not None
    longest = "k" * int(found[1])
    assert SECRET.fullmatch(longest)
    assert not SECRET.fullmatch(f"{longest}k")
