"""The sidecar's bundle: what `tauri-app/src-tauri/src/bundle.rs` looks for among the app's resources."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from setup.package import lock, wheels

PROJECT = ("pyproject.toml", "uv.lock", "LICENSE")


def make(root: Path, uv: Path, scratch: Path, target: Path, *, full: bool, cpython: Path | None) -> None:
    """Makes `target` anew: a slim bundle says how much it fetches; a full one has all wheels, for `cpython` if that is
    given, which comes along, or else for the interpreter that this runs on, whose version is then asked for."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in PROJECT:
        shutil.copy(root / name, target)
    leave_out = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(root / "sidecar", target / "sidecar", ignore=leave_out)
    if not full:
        size = lock.download_bytes(root / "uv.lock", wheels.export(uv, root, "--no-hashes"))
        (target / "download-bytes").write_text(f"{size}\n", encoding="ascii")
        return
    if cpython is not None:
        _take_cpython(cpython, target / "cpython")
    else:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        (target / "python-version").write_text(f"{version}\n", encoding="ascii")
    python = cpython / "bin/python3" if cpython else Path(sys.executable)
    wheels.fetch(python, uv, root, scratch, target / "wheels")


def name_releases(address: str | None, key: str | None, target: Path) -> None:
    """Writes where releases are announced, and the public key (minisign's, one line) that they are signed with. Without
    them the package looks for none: whoever has the private key says what is a release."""
    if bool(address) != bool(key):
        raise SystemExit("UPDATES_ADDRESS and UPDATES_KEY go together")
    if address:
        (target / "updates.json").write_text(json.dumps({"address": address, "key": key}), encoding="utf-8")


def _take_cpython(cpython: Path, target: Path) -> None:
    """Copies a standalone interpreter without its tests, and under one name: Tauri copies what links lead to."""
    leave_out = shutil.ignore_patterns("__pycache__", "*.pyc", "test", "idlelib", "turtledemo", "include", "share")
    shutil.copytree(cpython, target, symlinks=True, ignore=leave_out)
    shutil.rmtree(target / "bin")
    (target / "bin").mkdir()
    shutil.copy(cpython / "bin/python3", target / "bin/python3")


def take_uv(uv: Path, root: Path, scratch: Path, target: Path, licences: Path) -> None:
    """Copies the uv of the locked group `package` to the file `target`, and its licences."""
    environment = scratch / "uv"
    locked = ["sync", "--quiet", "--frozen", "--only-group", "package"]
    command: list[str | Path] = [uv, *locked, "--project", root, "--python", sys.executable]
    subprocess.run(command, check=True, env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(environment)})
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(environment / "bin/uv", target)
    (about,) = environment.glob("lib/python3*/site-packages/uv-*.dist-info/licenses")
    shutil.copytree(about, licences, dirs_exist_ok=True)
