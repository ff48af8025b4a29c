"""`python -m setup.package.release VERSION PAGE --files ADDRESS FOLDER` writes `latest.json` into FOLDER: the packages
there, for those who look for a newer version. It is signed in a step of its own (`CONTRIBUTING.md`)."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

KINDS = {".deb": "deb", ".AppImage": "appimage", ".dmg": "dmg"}
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64", "x86_64": "x86_64"}


def main() -> None:
    """Prints what was found."""
    parser = argparse.ArgumentParser(prog="setup.package.release", description=__doc__, allow_abbrev=False)
    parser.add_argument("version", help="as 0.2.0")
    parser.add_argument("page", help="where people read of the release")
    parser.add_argument("--files", required=True, metavar="ADDRESS", help="of the folder that has the packages")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    release = describe(options.version, options.page, options.files, options.folder)
    (options.folder / "latest.json").write_text(json.dumps(release, indent=2) + "\n", encoding="utf-8")
    for kind, file in release["files"].items():
        print(f"{kind:18} {file['size'] / 1e6:7.1f} MB  {file['name']}")


def describe(version: str, page: str, address: str, folder: Path) -> dict[str, Any]:
    """What `tauri-app/crates/updates` reads.

    Raises:
        ValueError: there are no packages, or one is of another version.
    """
    files: dict[str, Any] = {}
    for package in sorted(folder.iterdir()):
        if package.suffix not in KINDS:
            continue
        # As Tauri calls them: name_version_architecture.
        _, of_version, architecture = package.stem.rsplit("_", 2)
        if of_version != version:
            raise ValueError(f"{package.name} is not of version {version}")
        files[f"{KINDS[package.suffix]}-{ARCHITECTURES[architecture]}"] = {
            "url": f"{address.rstrip('/')}/{quote(package.name)}",
            "name": package.name,
            "size": package.stat().st_size,
            "sha256": hashlib.sha256(package.read_bytes()).hexdigest(),
        }
    if not files:
        raise ValueError(f"{folder} has no packages")
    return {"version": version, "page": page, "files": files}


if __name__ == "__main__":
    main()
