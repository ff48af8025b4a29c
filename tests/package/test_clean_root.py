"""The Debian package where nothing but a fresh system is: it is installed, started without a network, erased and
removed, and nothing is left. Takes root, debootstrap and minutes: `./just package-test`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.package.clean_root import CleanRoot
from tests.pipe import ROOT

PACKAGE = os.environ.get("KNOWLEDGE_FOCUS_PACKAGE")
"""A full one, which carries its wheels."""
pytestmark = [
    pytest.mark.skipif(PACKAGE is None, reason="takes a package, root and minutes: ./just package-test"),
    pytest.mark.timeout(1800),
]
PICTURES = ROOT / "dist/package-test"
OTHERS = ("/var/lib/dpkg/", "/var/lib/apt/", "/var/log/", "/var/cache/", "/etc/ld.so.cache")
"""What the package manager itself writes."""
SHARED = ("/home/person/.cache/mesa_shader_cache/", "/home/person/dconf/user")
"""What the system's libraries keep for all programs: what was drawn, and GTK's settings while a session lasts, whose
folder the home is here."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> CleanRoot:
    return CleanRoot.make(tmp_path_factory.mktemp("clean") / "root")


def test_the_package_starts_offline_on_a_fresh_system_and_leaves_nothing(root: CleanRoot) -> None:
    assert PACKAGE
    root.install(Path(PACKAGE))
    installed, owned = root.files(), root.owned("knowledge-focus")
    assert "/usr/bin/knowledge-focus" in owned

    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    launch = [sys.executable, "-m", "tests.package.first_launch", str(root.folder), str(PICTURES)]
    ran = subprocess.run(root.mounted(launch, network=False), cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {path.name for path in PICTURES.glob("*.png")} >= {"1-first-paint.png", "2-splash.png", "3-no-network.png"}

    root.run(["apt-get", "purge", "--yes", "--quiet", "knowledge-focus"])
    left = root.files()
    assert not left & owned
    new = {name for name in left - installed if not name.startswith((*OTHERS, *SHARED))}
    assert not new, "what was written after the package was installed, and outlived it"
    assert not [
        name for name in left if "knowledge-focus" in name.lower().replace(" ", "-") and not name.startswith(OTHERS)
    ]
