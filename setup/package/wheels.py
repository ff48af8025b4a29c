"""All packages of the sidecar as wheels, each with the hash that `uv.lock` has for it."""

import subprocess
import sys
from pathlib import Path

from packaging.utils import canonicalize_name

from setup.package import lock

OLDEST_MACOS = "macosx_14_0_arm64"
"""What MLX runs on. Without it pip would take what the packaging Mac can run, and older ones cannot."""


def export(uv: Path, project: Path, *options: str) -> str:
    """The locked packages that the sidecar runs on, as requirements."""
    command: list[str | Path] = [
        uv,
        "export",
        "--project",
        project,
        "--frozen",
        "--no-dev",
        "--no-header",
        "--no-annotate",
        *options,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def fetch(python: Path, uv: Path, project: Path, scratch: Path, target: Path) -> None:
    """Fills `target` with the wheels for `python`, and with those made of what is locked as source only."""
    subprocess.run([python, "-m", "venv", "--clear", scratch / "pip"], check=True)
    pip: list[str | Path] = [scratch / "pip/bin/python", "-m", "pip", "--disable-pip-version-check", "--quiet"]
    sources = {name for (name, _), package in lock.read(project / "uv.lock").items() if not package.get("wheels")}
    found = blocks(export(uv, project))
    for kind in ("source", "wheel"):
        wanted = [text for name, text in found if (name in sources) == (kind == "source")]
        (scratch / f"{kind}.txt").write_text("".join(wanted), encoding="utf-8")
    target.mkdir(parents=True)
    locked: list[str | Path] = ["--no-deps", "--require-hashes", "--requirement"]
    # A fresh environment has no `wheel`, without which an older pip builds nothing in it: so in one of its own.
    built: list[str | Path] = ["wheel", "--use-pep517", "--wheel-dir", target]
    subprocess.run([*pip, *built, *locked, scratch / "source.txt"], check=True)
    platform = ["--platform", OLDEST_MACOS] if sys.platform == "darwin" else []
    binary: list[str | Path] = ["download", "--dest", target, "--only-binary", ":all:", *platform]
    subprocess.run([*pip, *binary, *locked, scratch / "wheel.txt"], check=True)


def blocks(requirements: str) -> list[tuple[str, str]]:
    """Each requirement's name and its lines, hashes included."""
    found: list[tuple[str, str]] = []
    for line in requirements.splitlines(keepends=True):
        if line[:1].isspace() and found:
            name, text = found[-1]
            found[-1] = name, text + line
        elif line.strip() and not line.startswith(("#", "-")):
            found.append((canonicalize_name(line.partition("==")[0].strip()), line))
    return found
