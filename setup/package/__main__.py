"""`python -m setup.package [--full] [--cpython DIR] [--appimage] [--debug]`, as `./just package` runs it. Prints what
was made."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from setup.package import bundle, licences

ROOT = Path(__file__).resolve().parents[2]
TAURI_APP = ROOT / "tauri-app"
MADE = ROOT / "dist/package"
"""What `tauri-app/src-tauri/tauri.package.conf.json` names."""


def main() -> None:
    """Everything, in order."""
    options = _arguments()
    uv = Path(os.environ.get("UV") or shutil.which("uv") or sys.exit("no uv: run ./just package"))
    triple = _host_triple()
    scratch, folder = MADE / "scratch", MADE / "sidecar-bundle"
    print("Laying the sidecar's bundle …", flush=True)
    bundle.make(ROOT, uv, scratch, folder, full=options.full, cpython=options.cpython)
    bundle.name_releases(os.environ.get("UPDATES_ADDRESS"), os.environ.get("UPDATES_KEY"), folder)
    bundle.take_uv(uv, ROOT, scratch, MADE / f"knowledge-focus-uv-{triple}", folder / "licences/uv")
    licences.write(TAURI_APP, triple, folder / "licences")
    print("Building the app (several minutes) …", flush=True)
    subprocess.run(["npm", "run", "--silent", "build", "--", "--logLevel", "warn"], cwd=TAURI_APP, check=True)
    kinds = "dmg" if sys.platform == "darwin" else "appimage" if options.appimage else "deb"
    # Tauri's own tool builds a program that has its page inside and looks for no development server.
    command = ["npx", "tauri", "build", "--ci", "--bundles", kinds, "--config", "src-tauri/tauri.package.conf.json"]
    command += ["--config", json.dumps(_depends(options.full, options.cpython))]
    command += ["--debug"] if options.debug else []
    subprocess.run([*command, "--", "--locked"], cwd=TAURI_APP, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", TAURI_APP / "target"))
    suffix = "AppImage" if options.appimage else kinds
    for made in sorted((target / ("debug" if options.debug else "release") / "bundle").glob(f"{kinds}/*.{suffix}")):
        print(f"{made.stat().st_size / 1e6:7.1f} MB  {made}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./just package", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--full", action="store_true", help="all packages inside: a first launch fetches only the model"
    )
    parser.add_argument(
        "--cpython", type=Path, metavar="DIR", help="a standalone interpreter to take along (with --full)"
    )
    parser.add_argument(
        "--appimage", action="store_true", help="one file for any Linux; Tauri fetches tools for it, so it is CI's"
    )
    parser.add_argument("--debug", action="store_true", help="an unoptimised program, sooner built")
    options = parser.parse_args()
    if options.cpython and not options.full:
        parser.error("--cpython goes with --full")
    if options.appimage and not (options.cpython and sys.platform == "linux"):
        parser.error("--appimage is for Linux, and goes with --cpython: nothing else sees to a Python")
    if options.cpython and not (options.cpython / "bin/python3").is_file():
        parser.error(f"{options.cpython} holds no bin/python3")
    return options


def _host_triple() -> str:
    said = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    return next(line.removeprefix("host: ") for line in said.splitlines() if line.startswith("host: "))


def _depends(full: bool, cpython: Path | None) -> dict[str, object]:
    """What a Debian package asks for beside the window's libraries: OpenBLAS, and a Python unless one is inside."""
    version = ".".join(platform.python_version_tuple()[:2])
    python = [] if cpython else [f"python{version}"] if full else ["python3 (>= 3.11)"]
    # Whom TLS trusts: a slim package cannot be without, as uv then fetches nothing.
    trusted = ["ca-certificates"]
    depends = [*python, "libopenblas0-pthread | libopenblas0", *([] if full else trusted)]
    return {"bundle": {"linux": {"deb": {"depends": depends, "recommends": trusted if full else []}}}}


if __name__ == "__main__":
    main()
