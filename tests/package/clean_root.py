"""A system that was just installed, in a folder: debootstrap's smallest Debian, and a package with what it asks for."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PERSON = "person"
MINUTES = 20

MOUNT = """
for place in proc sys dev; do mount --rbind "/$place" "$0/$place"; done
mount -t tmpfs none "$0/run"
mkdir -p "$0/tmp/.X11-unix"
if [ -d /tmp/.X11-unix ]; then mount --bind /tmp/.X11-unix "$0/tmp/.X11-unix"; fi
exec "$@"
"""


@dataclass(frozen=True)
class CleanRoot:
    """Its folder. Nothing of the host is in it."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Fetch and unpack it, which takes minutes, from where this system has its own packages.

        Raises:
            subprocess.CalledProcessError: that did not work.
        """
        codename = platform.freedesktop_os_release()["VERSION_CODENAME"]
        targets = [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(CODENAME) $(COMPONENT)",
            "Created-By: Packages",
        ]
        listed = [line.split() for line in _said(targets).splitlines()]
        mirror = next(uri for uri, name, component in listed if (name, component) == (codename, "main"))
        _run(["debootstrap", "--variant=minbase", codename, folder, mirror])
        shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
        root = cls(folder)
        root.run(["useradd", "--create-home", PERSON])
        return root

    def install(self, package: Path) -> None:
        """Have apt install the package and what it depends on, and nothing that it only recommends."""
        shutil.copy(package, self.folder / "tmp/app.deb")
        self.run(["apt-get", "update", "--quiet"])
        self.run(["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "/tmp/app.deb"])
        (self.folder / "tmp/app.deb").unlink()
        self.run(["apt-get", "clean"])

    def run(self, command: Sequence[str]) -> str:
        """What a command says that is run in it, by root, with the host's network.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        variables = [
            "env",
            "-i",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL=C.UTF-8",
            "DEBIAN_FRONTEND=noninteractive",
        ]
        return _said(self.mounted(["chroot", str(self.folder), *variables, *command]))

    def mounted(self, command: Sequence[str], *, network: bool = True) -> list[str]:
        """A command for which this root has what a running system mounts; `network`: the host's, or none."""
        alone = ["--mount"] if network else ["--mount", "--net"]
        up = "" if network else "ip link set lo up\n"  # the driver speaks to the window over it
        return ["unshare", *alone, "sh", "-euc", up + MOUNT, str(self.folder), *command]

    def files(self) -> set[str]:
        """All files and links, as they are called inside."""
        return {
            f"/{path.relative_to(self.folder)}"
            for path in self.folder.rglob("*")
            if path.is_symlink() or not path.is_dir()
        }

    def owned(self, package: str) -> set[str]:
        """The files that dpkg knows to be the package's."""
        listed = self.run(["dpkg-query", "--listfiles", package]).splitlines()
        return {name for name in listed if not (self.folder / name.lstrip("/")).is_dir()}


def _run(command: Sequence[str | Path]) -> None:
    _said([str(part) for part in command])


def _said(command: Sequence[str]) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=MINUTES * 60)
    if ran.returncode != 0:
        raise subprocess.CalledProcessError(ran.returncode, command, ran.stdout[-4000:], ran.stderr[-4000:])
    return ran.stdout
