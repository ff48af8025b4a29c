"""A model's files, ready to be served: pinned by a catalog, and placed into a data folder without a download."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidecar.models import Catalog
from sidecar.models.cache import RepositoryCache
from tests.bench import geometry as geometry_module
from tests.bench import synthetic, vocabulary
from tests.pipe import ROOT

CACHE = ROOT / ".cache" / "bench"
_BUILD_SECONDS = 600
_CAPABILITIES = ["vision", "text", "structured_output", "tool_use"]


@dataclass(frozen=True)
class Repository:
    """A model's folder and the catalog that lists it, first or alone."""

    folder: Path
    catalog: Path

    @classmethod
    def of(cls, geometry: str, cache: Path = CACHE) -> Repository:
        """The model of random weights of that geometry, built if `cache` has none that today's code would build."""
        home = cache / f"{geometry}-{_fingerprint()}"
        made = cls(home / "model", home / "catalog.json")
        if made.catalog.is_file():
            return made
        for old in cache.glob(f"{geometry}-*"):  # of an earlier code, or half built
            shutil.rmtree(old)
        print(f"Building a {geometry} model in {home} …", file=sys.stderr)
        command = [sys.executable, "-m", synthetic.__name__, geometry, str(made.folder)]
        subprocess.run(command, cwd=ROOT, check=True, timeout=_BUILD_SECONDS)
        return cls.at(made.folder, f"bench-{geometry}", made.catalog)

    @classmethod
    def at(cls, folder: Path, model_id: str, catalog: Path) -> Repository:
        """The model in `folder`, with a `catalog` written for it."""
        files = [_pin(path) for path in sorted(folder.iterdir())]
        model = {
            "id": model_id,
            "repository": f"knowledge-focus/{model_id}",
            "revision": hashlib.sha1(json.dumps(files).encode()).hexdigest(),
            "displayName": model_id,
            "capabilities": _CAPABILITIES,
            "mirrors": ["http://127.0.0.1:60399"],
            "files": files,
        }
        catalog.write_text(json.dumps({"models": [model]}, indent=2))
        return cls(folder, catalog)

    def place(self, data_dir: Path) -> None:
        """Puts the model into a data folder as a finished download leaves it; nothing is copied where links work."""
        model = Catalog.load(self.catalog).find()
        manifest = model.pinned()
        assert manifest is not None
        cache = RepositoryCache(data_dir / "builtin_models", model.repository)
        cache.prepare()
        for file in manifest.files:
            blob = cache.blob(file.digest)
            try:
                os.link(self.folder / file.path, blob)
            except FileExistsError:
                continue
            except OSError:  # another file system
                shutil.copy(self.folder / file.path, blob)
        cache.finish(manifest)


def _pin(path: Path) -> dict[str, Any]:
    with path.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    return {"path": path.name, "size": path.stat().st_size, "sha256": sha256}


def _fingerprint() -> str:
    """Changes with the code that builds."""
    sources = [Path(module.__file__ or "") for module in (geometry_module, synthetic, vocabulary)]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
    return digest.hexdigest()[:8]
