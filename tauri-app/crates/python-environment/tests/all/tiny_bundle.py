"""Makes a bundle in the folder argv[1]: `project/` with a lock of two packages, and `wheels/` with both."""

import hashlib
import sys
import zipfile
from pathlib import Path

folder = Path(sys.argv[1])
PYPROJECT = """\
[project]
name = "tiny"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["alpha"]

[dependency-groups]
dev = ["never-fetched"]

[tool.uv]
package = false
"""
LOCK = """\
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "alpha"
version = "1.0"
source = {{ registry = "https://pypi.org/simple" }}
dependencies = [{{ name = "beta" }}]
wheels = [{{ url = "https://files.pythonhosted.org/packages/00/alpha-1.0-py3-none-any.whl", hash = "{alpha}" }}]

[[package]]
name = "beta"
version = "2.0"
source = {{ registry = "https://pypi.org/simple" }}
wheels = [{{ url = "https://files.pythonhosted.org/packages/00/beta-2.0-py3-none-any.whl", hash = "{beta}" }}]

[[package]]
name = "tiny"
version = "0.1.0"
source = {{ virtual = "." }}
dependencies = [{{ name = "alpha" }}]

[package.metadata]
requires-dist = [{{ name = "alpha" }}]
"""


def wheel(name: str, version: str, requires: str = "") -> str:
    """Writes it; returns its hash as a lock has it."""
    about = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{about}/RECORD"] = "".join(f"{path},,{len(text)}\n" for path, text in files.items()) + f"{about}/RECORD,,\n"
    path = folder / "wheels" / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in files.items():
            archive.writestr(zipfile.ZipInfo(file), content)
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


(folder / "wheels").mkdir()
(folder / "project/sidecar").mkdir(parents=True)
(folder / "project/pyproject.toml").write_text(PYPROJECT)
hashes = {"alpha": wheel("alpha", "1.0", "Requires-Dist: beta\n"), "beta": wheel("beta", "2.0")}
(folder / "project/uv.lock").write_text(LOCK.format(**hashes))
(folder / "project/sidecar/__init__.py").touch()
(folder / "project/sidecar/__main__.py").write_text(
    "import sys, alpha, beta\n"
    "print('sidecar on', alpha.VERSION, beta.VERSION, 'isolated', sys.flags.isolated, 'utf8', sys.flags.utf8_mode)\n"
)
