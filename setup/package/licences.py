"""The licences of what is in the app's own program: crates, and the window's packages. Wheels, uv and a standalone
interpreter bring theirs along."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PATTERNS = ("LICENSE*", "LICENCE*", "license*", "COPYING*", "NOTICE*", "UNLICENSE*")


def write(tauri_app: Path, triple: str, target: Path) -> None:
    """Writes `rust.txt` and `window.txt` into the folder `target`."""
    target.mkdir(parents=True, exist_ok=True)
    for name, packages in (("rust", _crates(tauri_app, triple)), ("window", _npm(tauri_app))):
        (target / f"{name}.txt").write_text(_text(packages), encoding="utf-8")


Package = tuple[str, str, Path]
"""What it is called, what it says its licence is, and where it lies."""


def _crates(tauri_app: Path, triple: str) -> Iterator[Package]:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", triple]
    said = subprocess.run(command, cwd=tauri_app, check=True, capture_output=True, text=True).stdout
    for crate in json.loads(said)["packages"]:
        if crate["source"]:  # the others are ours
            folder = Path(crate["manifest_path"]).parent
            yield f"{crate['name']} {crate['version']}", crate["license"] or "see below", folder


def _npm(tauri_app: Path) -> Iterator[Package]:
    locked = json.loads((tauri_app / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for path, package in locked.items():
        if path and not package.get("dev") and (tauri_app / path).is_dir():
            name = f"{path.rpartition('node_modules/')[2]} {package['version']}"
            yield name, package.get("license", "see below"), tauri_app / path


def _text(packages: Iterator[Package]) -> str:
    """Each text once, under the names of all who use it."""
    users: defaultdict[str, list[str]] = defaultdict(list)
    for name, licence, folder in sorted(packages):
        files = sorted({file for pattern in PATTERNS for file in folder.glob(pattern) if file.is_file()})
        texts = [file.read_text(encoding="utf-8", errors="replace").strip() for file in files]
        users["\n\n".join(texts)].append(f"{name} ({licence})")
    parts = ["\n".join(names) + f"\n\n{text or 'No text came with them.'}\n" for text, names in users.items()]
    return ("\n" + "=" * 80 + "\n\n").join(parts)
