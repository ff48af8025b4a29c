"""The contract as files: `python -m sidecar.rpc.schema [--check] schemas/`.

Writes `openrpc.json` (methods, notifications, errors), `errors.json` (every kind with its codes) and one JSON Schema
per message; with `--check` it only says whether they are up to date. Everything is derived from `sidecar.protocol` and
`sidecar.errors`; nothing is edited by hand.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from sidecar.errors import error_classes
from sidecar.protocol import PROTOCOL_VERSION, all_methods, all_notifications
from sidecar.protocol.error import ErrorData
from sidecar.protocol.message import Method, Notification
from sidecar.rpc.codes import CODES

JsonObject = dict[str, Any]
Message = tuple[type[BaseModel], JsonSchemaMode]


class _Schema(GenerateJsonSchema):
    """Pydantic's JSON Schema, made plain for the TypeScript generator."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """A title per property would become a named type per property."""
        return False

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        """In what we send, a default is always written, but for a member that is left out when there is none."""
        if self.mode == "serialization":
            return "serialization_exclude_if" not in field
        return super().field_is_required(field, total)


def messages() -> list[Message]:
    """Every message with the direction it goes in: we validate what comes, and serialise what leaves."""
    received: list[Message] = [(method.params, "validation") for method in all_methods()]
    sent: list[Message] = [(method.result, "serialization") for method in all_methods() if method.result]
    sent += [(notification.params, "serialization") for notification in all_notifications()]
    return list(dict.fromkeys([*received, *sent, (ErrorData, "serialization")]))


def errors() -> list[JsonObject]:
    """Every kind of error with what it is called elsewhere."""
    return [
        {
            "kind": error.kind,
            "retryable": error.retryable,
            "code": CODES[error.kind].rpc,
            "httpStatus": CODES[error.kind].http,
            "openaiType": CODES[error.kind].openai,
        }
        for error in error_classes()
    ]


def openrpc() -> JsonObject:
    """The OpenRPC 1.3 document. It has no word for a server's notifications; ours are under `x-notifications`."""
    _, definitions = models_json_schema(
        messages(), ref_template="#/components/schemas/{model}", schema_generator=_Schema
    )
    schemas = definitions["$defs"]
    _list_kinds(schemas["ErrorData"])
    return {
        "openrpc": "1.3.2",
        "info": {
            "title": "Knowledge Focus sidecar",
            "version": str(PROTOCOL_VERSION),
            "description": "JSON-RPC 2.0 over stdin and stdout, one JSON object a line.",
            "license": {"name": "Apache-2.0"},
        },
        "methods": [_method(method, schemas) for method in all_methods()],
        "x-notifications": [_notification(notification) for notification in all_notifications()],
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "errors": {
                row["kind"]: {
                    "code": row["code"],
                    "message": row["kind"],
                    "data": {"$ref": "#/components/schemas/ErrorData"},
                }
                for row in errors()
            },
        },
        "x-errors": errors(),
    }


def _method(method: Method[Any, Any], schemas: JsonObject) -> JsonObject:
    schema = schemas[method.params.__name__]
    described: JsonObject = {
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "by-name",
        "params": [
            {"name": name, "required": name in schema.get("required", ()), "schema": member}
            for name, member in schema.get("properties", {}).items()
        ],
    }
    if method.result:
        described["result"] = {"name": method.result.__name__, "schema": _reference(method.result)}
    described |= {"x-params": _reference(method.params), "x-callers": list(method.callers)}
    return described | ({"x-irreversible": True} if method.irreversible else {})


def _notification(notification: Notification[Any]) -> JsonObject:
    return {
        "name": notification.name,
        "summary": notification.summary,
        "params": _reference(notification.params),
        "x-state": notification.state,
    }


def _reference(model: type[BaseModel]) -> JsonSchemaValue:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _list_kinds(error_data: JsonObject) -> None:
    error_data["properties"]["kind"]["enum"] = [row["kind"] for row in errors()]


def files() -> Iterator[tuple[str, str]]:
    """Every file of the contract as name and text."""
    documents: JsonObject = {"openrpc": openrpc(), "errors": {"errors": errors()}}
    for model, mode in messages():
        schema = model.model_json_schema(schema_generator=_Schema, mode=mode)
        if model is ErrorData:
            _list_kinds(schema)
        documents[model.__name__] = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
    for name, document in documents.items():
        yield f"{name}.json", json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def write(folder: Path) -> None:
    """Makes `folder` hold exactly the files of the contract."""
    folder.mkdir(parents=True, exist_ok=True)
    written = dict(files())
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")
    for stale in folder.glob("*.json"):
        if stale.name not in written:
            stale.unlink()


def outdated(folder: Path) -> list[str]:
    """The files of `folder` that are not those of the contract: changed, missing or left over."""
    wanted = dict(files())
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted | there if wanted.get(name) != there.get(name))


def main(arguments: list[str]) -> str | None:
    """What went wrong, if anything did."""
    match arguments:
        case ["--check", folder]:
            names = outdated(Path(folder))
            return f"out of date, run ./just schema: {', '.join(names)}" if names else None
        case [folder] if not folder.startswith("-"):
            write(Path(folder))
            return None
        case _:
            return "usage: python -m sidecar.rpc.schema [--check] FOLDER"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
