"""What the shell has to know before there is a sidecar, or without one, is what the sidecar knows."""

import json
import re
from pathlib import Path

import pi_heif
import pytest
from PIL import Image

from sidecar.data_folder import OWN_NAMES, PLATFORM_NAME, SIGNS, UNFINISHED, DataFolder
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
    token_file = SHELL.parents[1] / "crates/cli/src/token_file.rs"
    unfinished = constant("data_folder.rs", "UNFINISHED_PREFERENCES") + constant(str(token_file), "UNFINISHED_TOKEN")
    assert unfinished == list(UNFINISHED)


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


def test_the_shell_logs_nothing_but_constants_and_fields() -> None:
    """What is exported of its log for a report is the text: nothing may be written into it."""
    sources = [*SHELL.rglob("*.rs"), *(SHELL.parents[1] / "crates").glob("*/src/**/*.rs")]
    lines = [line for path in sources for line in re.findall(r"tracing::(?:info|warn|error)!\((.*)", path.read_text())]
    assert len(lines) > 50
    assert [line for line in lines if re.search(r'"[^"]*[{}][^"]*"', line)] == []


def test_the_window_is_granted_its_own_commands_and_nothing_else() -> None:
    commands = constant("../build.rs", "COMMANDS")
    granted = json.loads((SHELL.parent / "capabilities/main.json").read_text())
    own = {f"allow-{command.replace('_', '-')}" for command in commands}
    assert set(granted["permissions"]) == own | {
        "core:event:allow-listen",
        "core:event:allow-unlisten",
        "core:webview:allow-set-webview-zoom",
    }
    assert granted["windows"] == ["main"]
    assert "remote" not in granted
    security = json.loads((SHELL.parent / "tauri.conf.json").read_text())["app"]["security"]
    assert security["capabilities"] == [granted["identifier"]]
    for directive, sources in security["csp"].items():
        foreign = set(sources.split()) - {"'self'", "'none'", "blob:", "data:", "ipc:", "http://ipc.localhost"}
        assert foreign == set(), directive


def test_both_take_keys_of_the_same_length() -> None:
    found = re.search(r"const LONGEST: usize = (\d+);", (KEYCHAIN / "secret.rs").read_text())
    assert found is not None
    longest = "k" * int(found[1])
    assert SECRET.fullmatch(longest)
    assert not SECRET.fullmatch(f"{longest}k")
