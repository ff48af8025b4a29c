"""What a forced tool call costs: per token, and once for the compilation of the tools' schemas."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.figure import Figure
from tests.bench.grammar import cost
from tests.bench.setting import Setting
from tests.pipe import Json


def run(setting: Setting) -> Iterator[Figure]:
    """Calls of a tool among three, whose argument is a text."""
    return cost(setting, _tools)


def _tools(number: int) -> Json:
    functions: list[tuple[str, Json]] = [
        ("write_note", {"text": {"type": "string", "minLength": 1000}}),  # keeps the call going
        ("find_files", {"words": {"type": "string"}, "most": {"type": "integer", "minimum": 1, "maximum": 50}}),
        ("set_tag", {"tag": {"type": "string", "enum": [f"tag-{number}-{at}" for at in range(20)]}}),
    ]
    tools = [{"type": "function", "function": _function(name, members)} for name, members in functions]
    return {"tools": tools, "tool_choice": {"type": "function", "function": {"name": "write_note"}}}


def _function(name: str, properties: Json) -> Json:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"name": name, "description": f"Does {name}.", "parameters": parameters}
