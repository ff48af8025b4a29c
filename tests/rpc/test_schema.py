"""The contract as files is what the code says, and the code is what the contract needs."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import sidecar
from sidecar import errors, protocol
from sidecar.rpc import schema
from sidecar.rpc.codes import CODES
from tests.pipe import ROOT

SCHEMAS = ROOT / "schemas"


def test_the_committed_schemas_are_what_the_code_says() -> None:
    assert schema.outdated(SCHEMAS) == [], "run ./just schema"


def test_drift_is_found_and_writing_mends_it(tmp_path: Path) -> None:
    def run(*arguments: str) -> int:
        command = [sys.executable, "-m", "sidecar.rpc.schema", *arguments]
        return subprocess.run(command, cwd=ROOT, check=False, timeout=60, stderr=subprocess.DEVNULL).returncode

    folder = str(tmp_path)
    assert run(folder) == 0
    assert run("--check", folder) == 0
    (tmp_path / "Gone.json").write_text("{}")
    (tmp_path / "PingResult.json").write_text("{}")
    (tmp_path / "errors.json").unlink()
    assert schema.outdated(tmp_path) == ["Gone.json", "PingResult.json", "errors.json"]
    assert run("--check", folder) == 1
    assert run(folder) == 0
    assert schema.outdated(tmp_path) == []


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = json.dumps(schema.openrpc())
    named = set(re.findall(r'"#/components/schemas/(\w+)"', document))
    assert named <= set(schema.openrpc()["components"]["schemas"])


def test_the_table_of_modules_names_every_method_that_they_declare() -> None:
    modules = set(protocol.MODULES.values())
    declared = {method.name: module for module in modules for method in import_module(module).METHODS}
    assert declared == protocol.MODULES


def test_names_of_methods_and_of_notifications_are_unique() -> None:
    for names in (
        [method.name for method in protocol.all_methods()],
        [notification.name for notification in protocol.all_notifications()],
    ):
        assert len(names) == len(set(names))


@pytest.mark.parametrize("error", list(errors.error_classes()), ids=lambda error: error.kind)
def test_every_kind_of_error_is_named_after_its_class_and_has_its_codes(error: type[errors.SidecarError]) -> None:
    assert "".join(word.capitalize() for word in error.kind.split("_")) == error.__name__
    assert error.kind in CODES
    assert error.__doc__
    assert error.__name__ in (errors.__doc__ or ""), "the tree in the module's docstring is out of date"


def test_the_table_of_codes_has_no_kind_that_does_not_exist_and_no_code_twice() -> None:
    assert set(CODES) == {error.kind for error in errors.error_classes()}
    assert len({code.rpc for code in CODES.values()}) == len(CODES)
    assert all(400 <= code.http < 600 for code in CODES.values())


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert sidecar.__version__ == project["version"]
