"""Tools a model may call, in the form Qwen was trained on: one JSON object for each call, between two tokens.

<tool_call>
{"name": "weather", "arguments": {"city": "Paris"}}
</tool_call>
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sidecar.engine import schema_size
from sidecar.errors import InvalidRequest, InvalidSchema

CALL, CALL_END = "<tool_call>", "</tool_call>"
TAGS = (CALL, CALL_END, "<tool_response>", "</tool_response>")

BEFORE_NAME, BEFORE_ARGUMENTS, AFTER_ARGUMENTS = '\n{"name": "', '", "arguments": ', "}\n"

Choice = str | Mapping[str, Any]
"""auto, none, required, or `{"name": …}`."""

MAX_TOOLS = 128
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)


def check(tools: Sequence[Mapping[str, Any]], choice: Choice) -> None:
    """Raises:
    InvalidRequest: a name is not one, or comes twice; the choice is none of these tools.
    InvalidSchema: a tool's parameters are not an object, or too large.
    """
    if len(tools) > MAX_TOOLS:
        raise InvalidRequest(f"more than {MAX_TOOLS} tools", member="tools")
    names = [tool["function"]["name"] for tool in tools]
    if not all(NAME.fullmatch(name) for name in names):
        raise InvalidRequest("a tool's name is 1 to 64 of a-z, A-Z, 0-9, _ and -", member="tools")
    if len(set(names)) < len(names):
        raise InvalidRequest("two tools have one name", member="tools")
    if isinstance(choice, str):
        if choice not in ("auto", "none", "required"):
            raise InvalidRequest("tool_choice is auto, none, required or a tool", member="tool_choice")
        if choice == "required" and not tools:
            raise InvalidRequest("tool_choice goes with tools", member="tool_choice")
    elif choice["name"] not in names:
        raise InvalidRequest("tool_choice names none of the tools", member="tool_choice")
    for tool in tools:
        schema_size.check(tool, "tools")
        if arguments_schema(tool).get("type", "object") != "object":
            raise InvalidSchema("arguments that are not an object", member="tools", reason="not an object")


def arguments_schema(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON schema of a call's arguments; a tool without parameters takes none."""
    parameters: Mapping[str, Any] | None = tool["function"].get("parameters")
    if not parameters:
        return {"type": "object", "properties": {}, "additionalProperties": False}
    return {"type": "object"} | dict(parameters)


def chosen(tools: Sequence[Mapping[str, Any]], choice: Choice) -> Sequence[Mapping[str, Any]]:
    """Those of the tools that the choice leaves."""
    if isinstance(choice, str):
        return tools
    return [tool for tool in tools if tool["function"]["name"] == choice["name"]]


class CallReader:
    """Reads the text between the two tokens of one call as it grows.

    The grammar has seen to it that the text is what the module's head shows, or its beginning. The last characters
    are held back as long as they may be the call's own end and not the arguments'.
    """

    def __init__(self) -> None:
        self.id = f"call_{secrets.token_hex(12)}"
        self.name: str | None = None
        self._held = ""

    def push(self, text: str) -> str:
        """The arguments' JSON that is certain after `text`, perhaps none. `name` is None until it is known."""
        self._held += text
        if self.name is None:
            name, found, rest = self._held.removeprefix(BEFORE_NAME).partition(BEFORE_ARGUMENTS)
            if not found:
                return ""
            self.name, self._held = name, rest
        # What ends the call may always be the last that came.
        certain = self._held[: -len(AFTER_ARGUMENTS)]
        self._held = self._held[len(certain) :]
        return certain
