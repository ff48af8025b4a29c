"""What `uv.lock` holds for one computer: the files that would be fetched, and their sizes."""

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.tags import Tag, sys_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

LockedFile = dict[str, Any]
"""`url`, `hash` and `size` (bytes)."""


def read(lock: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The locked packages by name and version."""
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    return {(canonicalize_name(package["name"]), package["version"]): package for package in packages}


def needed(requirements: str) -> Iterator[tuple[str, str]]:
    """Names and versions in what `uv export` wrote, of those that this interpreter on this system needs."""
    for line in requirements.splitlines():
        if line[:1] in ("", " ", "#", "-"):
            continue
        requirement = Requirement(line.removesuffix("\\").strip())
        if requirement.marker is None or requirement.marker.evaluate():
            (version,) = requirement.specifier
            yield canonicalize_name(requirement.name), version.version


def chosen(package: dict[str, Any], tags: Iterable[Tag] | None = None) -> LockedFile:
    """The file of a locked package that is installed where `tags` hold, the best first: a wheel, or else its source.

    Raises:
        LookupError: it has neither for this computer.
    """
    wheels: list[LockedFile] = package.get("wheels", [])
    by_tag = {tag: wheel for wheel in wheels for tag in parse_wheel_filename(wheel["url"].rpartition("/")[2])[3]}
    for tag in sys_tags() if tags is None else tags:
        if tag in by_tag:
            return by_tag[tag]
    if "sdist" not in package:
        raise LookupError(f"{package['name']} {package['version']} has no file for this computer")
    source: LockedFile = package["sdist"]
    return source


def download_bytes(lock: Path, requirements: str) -> int:
    """How much a first launch fetches on a computer like this one."""
    packages = read(lock)
    return sum(chosen(packages[wanted])["size"] for wanted in needed(requirements))
