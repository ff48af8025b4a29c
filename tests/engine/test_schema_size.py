"""A schema that is too large is refused on the event loop, before its text is written."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.engine import GenerationRequest, schema_size
from sidecar.engine.schema_size import MAX_SCHEMA_CHARACTERS
from sidecar.errors import InvalidRequest, InvalidSchema

USER = {"role": "user", "content": "Hello"}
LARGE = {"type": "object", "description": "x" * MAX_SCHEMA_CHARACTERS}
MANY = {"enum": [0] * MAX_SCHEMA_CHARACTERS}

schemas = st.dictionaries(
    st.text(max_size=4),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    ),
)


@given(schemas)
def test_no_more_is_counted_than_the_text_has(schema: dict[str, Any]) -> None:
    text = json.dumps(schema, ensure_ascii=False)
    with patch.object(schema_size, "MAX_SCHEMA_CHARACTERS", len(text)):
        schema_size.check(schema, "tools")


@pytest.mark.parametrize("schema", [LARGE, MANY, {"a": [{"b": LARGE}]}], ids=["a text", "a list", "within"])
def test_it_is_refused_in_a_tool_and_in_a_format(schema: dict[str, Any]) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    for members, member in (({"tools": [tool]}, "tools"), ({"schema": schema}, "response_format")):
        with pytest.raises(InvalidSchema) as caught:
            GenerationRequest("a", [USER], **members).check()
        assert caught.value.details["member"] == member


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    schema: dict[str, Any] = {}
    schema["not"] = schema
    with pytest.raises(InvalidSchema):
        schema_size.check(schema, "tools")


def test_half_a_surrogate_pair_is_no_text_of_a_tool() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"\ud800": {}}}}
    with pytest.raises(InvalidRequest):
        GenerationRequest("a", [USER], tools=[tool]).check()
