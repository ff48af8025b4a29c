"""What a JSON schema costs: per token, and once for its compilation."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.figure import Figure
from tests.bench.grammar import cost
from tests.bench.setting import Setting
from tests.pipe import Json


def run(setting: Setting) -> Iterator[Figure]:
    """Answers in the form of a file's summary and tags."""
    return cost(setting, _schema)


def _schema(number: int) -> Json:
    tags = [f"tag-{number}-{at}" for at in range(60)]
    properties: Json = {
        "summary": {"type": "string", "minLength": 1000},  # keeps the answer going
        "tags": {"type": "array", "maxItems": 5, "items": {"type": "string", "enum": tags}},
    }
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    json_schema = {"name": "file", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": json_schema}}
