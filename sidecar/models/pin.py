"""`./just pin`: writes into the catalog what a mirror offers now, so that from then on no mirror's word counts.

A release does this. Large files are pinned by the SHA-256 that the hub keeps for them; small ones, for which it has
git's SHA-1 only, are fetched, checked and hashed.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from sidecar.errors import DownloadError
from sidecar.models.catalog import SHIPPED, BuiltinModel, Catalog, CatalogError
from sidecar.models.hub import HubClient
from sidecar.models.manifest import Manifest, RepositoryFile
from sidecar.models.mirrors import Mirror
from sidecar.models.network import NetworkLimits
from sidecar.models.stop import Stop
from sidecar.models.verify import Digest

LARGEST_SMALL_FILE = 64 * 2**20  # bytes; what has git's SHA-1 only is no larger on any hub


def pins(model: BuiltinModel, mirror: Mirror, revision: str | None = None) -> dict[str, Any]:
    """The catalog's members `revision`, `totalBytes` and `files` for a model, at that commit or the newest.

    Raises:
        DownloadError: the mirror's failure, `FileDamaged` also for a small file that is not what the list says.
    """
    with HubClient(mirror, NetworkLimits(), Stop()) as hub:
        manifest = hub.manifest(model.repository, revision or hub.revision(model.repository))
        files = [_pinned(hub, manifest, file) for file in manifest.files]
    pinned = Manifest(manifest.repository, manifest.revision, tuple(files))
    return {
        "revision": pinned.revision,
        "totalBytes": pinned.total_bytes,
        "files": [{"path": file.path, "size": file.size, "sha256": file.digest.hexadecimal} for file in files],
    }


def _pinned(hub: HubClient, manifest: Manifest, file: RepositoryFile) -> RepositoryFile:
    if file.digest.algorithm == "sha256":
        return file
    content = hub.content(manifest.repository, manifest.revision, file, LARGEST_SMALL_FILE)
    hasher = Digest("sha256", "0" * 64).hasher(file.size)
    hasher.update(content)
    return RepositoryFile(file.path, file.size, Digest("sha256", hasher.hexdigest()))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./just pin", description="Pins the models of a catalog to what is on a hub.")
    parser.add_argument("--catalog", type=Path, default=SHIPPED, help="default: the one that is shipped")
    parser.add_argument("--mirror", help="default: each model's first")
    parser.add_argument("--revision", help="a commit; default: the newest")
    options = parser.parse_args(arguments)
    try:
        catalog = Catalog.load(options.catalog)
        written = json.loads(options.catalog.read_text())
        for model, entry in zip(catalog.models, written["models"], strict=True):
            entry |= pins(model, Mirror.parse(options.mirror or model.mirrors[0]), options.revision)
            print(f"{model.id}: {entry['revision']}, {len(entry['files'])} files, {entry['totalBytes']} bytes")
    except (DownloadError, CatalogError) as error:
        print(f"nothing was pinned: {error}", file=sys.stderr)
        return 1
    options.catalog.write_text(json.dumps(written, indent=2) + "\n")
    Catalog.load(options.catalog)  # what was written can be read
    return 0


if __name__ == "__main__":
    sys.exit(main())
