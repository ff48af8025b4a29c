"""What llguidance would not keep to exactly is rewritten, or refused."""

from __future__ import annotations

import json
import math
import random
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sidecar.engine.enforceable import FORMATS
from sidecar.errors import InvalidSchema
from tests.engine.test_grammar import grammar, takes, walk

COUNTED = {"type": "object", "minProperties": 2}
ZEROS = "0" * 400


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "number", "multipleOf": 0.1}, "multipleOf"),
        ({"type": "array", "items": {"anyOf": [{"type": "number", "multipleOf": 0.01}]}}, "multipleOf"),
        ({"enum": [1, {"id": [1234567890123456789]}]}, "2^53"),
        ({"type": "integer", "const": 2**53 + 1}, "2^53"),
        ({"type": "integer", "minimum": 2**53 + 1}, "2^53"),
        ({"type": "number", "exclusiveMinimum": 12345678901234567890}, "2^53"),
        ({"type": "number", "maximum": -1e20, "minimum": -1e21}, "2^53"),
        ({"$ref": "#/default", "default": COUNTED}, "$ref"),
        ({"$ref": "#/properties/a/const", "properties": {"a": {"const": COUNTED}}}, "$ref"),
        ({"$ref": "#/%64efault", "default": COUNTED}, "$ref"),
        ({"$ref": "other", "default": COUNTED | {"$id": "other"}}, "$ref"),
        (COUNTED | {"required": ["a", "a"]}, "minProperties"),
        (COUNTED | {"minProperties": 2.0}, "minProperties"),
    ],
)
def test_what_is_not_kept_to_exactly_is_refused(schema: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidSchema) as refused:
        grammar(schema=schema)

    assert refused.value.details["member"] == "response_format"
    assert reason in str(refused.value.details["reason"])


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/properties/default", "properties": {"default": {"type": "integer", "exclusiveMinimum": 0}}},
        {"$ref": "#/$defs/enum", "$defs": {"enum": {"type": "number", "exclusiveMaximum": 0.1}}},
        {"type": "object", "properties": {"multipleOf": {"type": "boolean"}}, "required": ["multipleOf"]},
        {"const": {"multipleOf": 0.5, "exclusiveMinimum": 3, "$ref": "#/enum"}},
        COUNTED | {"properties": {"a": {"const": 1}, "b": {"const": 2}}, "required": ["a", "b"]},
        {"type": "number", "multipleOf": 7},
        {"type": "number", "multipleOf": 0.5},
        {"type": "number", "multipleOf": 2.25, "minimum": 0, "maximum": 90},
        {"type": "integer", "multipleOf": 3.0},
        {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
        {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
        {"type": "number", "minimum": -3.4e38, "exclusiveMaximum": 3.4e38},
        {"enum": [2**53, -(2**53), 0.1, "1234567890123456789"]},
        {"type": "integer", "multipleOf": 12, "minimum": 5, "maximum": 99},
        {"type": "integer", "exclusiveMinimum": -5, "exclusiveMaximum": 5},
        {"type": "number", "exclusiveMinimum": 0.5, "minimum": 0.75, "exclusiveMaximum": 1},
        {"allOf": [{"type": "number"}, {"exclusiveMinimum": 0}, {"exclusiveMaximum": 1e-3}]},
        {"type": "integer", "minimum": 2**53 - 3, "exclusiveMaximum": 2**53},
    ],
    ids=str,
)
def test_what_is_taken_validates_whatever_way_is_gone(schema: dict[str, Any]) -> None:
    begun = grammar(schema=schema)
    texts = [walk(begun.copy(), random.Random(seed)) for seed in range(40)]

    finished = [text for text in texts if text is not None]
    assert finished
    for text in finished:
        Draft202012Validator(schema).validate(json.loads(text))


def test_a_number_that_is_read_as_its_exclusive_bound_is_no_answer() -> None:
    assert not takes(grammar(schema={"type": "number", "exclusiveMinimum": 0}), f"0.{ZEROS}1")
    assert not takes(grammar(schema={"type": "number", "exclusiveMaximum": 0}), f"-0.{ZEROS}1")
    assert not takes(grammar(schema={"type": "number", "exclusiveMinimum": 0.1}), f"0.1{ZEROS}1")
    assert takes(grammar(schema={"type": "number", "exclusiveMinimum": 0}), "0.000001")


@settings(max_examples=100, deadline=None)
@given(st.floats(-(2.0**40), 2.0**40), st.booleans())
def test_bounds_are_kept_to_the_last_digit(bound: float, above: bool) -> None:
    bound = bound if abs(bound) > 1e-4 else 0.5
    exclusive = grammar(schema={"type": "number", "exclusiveMinimum" if above else "exclusiveMaximum": bound})
    inclusive = grammar(schema={"type": "number", "minimum" if above else "maximum": bound})
    beyond = math.nextafter(bound, -math.inf if above else math.inf)
    within = bound + (1 if above else -1) * abs(bound) / 3

    # llguidance takes no 0.2 below 0.29 or so, but a 0.20.
    assert any(takes(inclusive.copy(), text) for text in (written(within), written(within) + "0"))
    assert any(takes(exclusive.copy(), text) for text in (written(within), written(within) + "0"))
    assert not takes(inclusive.copy(), written(beyond))
    assert not takes(exclusive.copy(), written(bound))


def written(number: float) -> str:
    return format(Decimal(repr(number)), "f")


@pytest.mark.parametrize("bound", [0.1, 5, -2.5, 1000])
def test_an_inclusive_bound_is_an_answer_itself(bound: float) -> None:
    assert takes(grammar(schema={"type": "number", "minimum": bound}), written(bound))
    assert takes(grammar(schema={"type": "number", "maximum": bound}), written(bound))


@pytest.mark.parametrize(
    ("kind", "fit", "unfit"),
    [
        ("date", ["2024-02-29", "2000-02-29", "2023-12-31"], ["2023-02-29", "1900-02-29", "0000-01-01", "2023-04-31"]),
        ("time", ["23:59:59Z", "00:00:00.5+05:30"], ["23:59:60Z", "24:00:00Z", "10:00:00"]),
        ("date-time", ["2024-02-29T10:00:00Z"], ["2023-02-29T10:00:00Z", "2024-02-29T10:00:60Z", "2024-02-29"]),
    ],
)
def test_days_and_times_are_those_there_are(kind: str, fit: list[str], unfit: list[str]) -> None:
    for schema in (
        {"type": "string", "format": kind},
        {"type": ["string", "null"], "format": kind},
        {"anyOf": [{"type": "string", "format": kind}, {"type": "null"}]},
    ):
        begun = grammar(schema=schema)

        assert all(takes(begun.copy(), f'"{text}"') for text in fit)
        assert not any(takes(begun.copy(), f'"{text}"') for text in unfit)


@pytest.mark.parametrize("beside", [None, 5, {}])
def test_a_day_beside_what_is_no_schema_is_refused(beside: Any) -> None:
    with pytest.raises(InvalidSchema):
        grammar(schema={"type": "string", "format": "date", "allOf": beside})


def test_every_day_of_four_centuries_is_a_date() -> None:
    pattern = re.compile(FORMATS["date"])
    days = (date(1999, 1, 1) + timedelta(days=at) for at in range(146_097))

    assert all(pattern.search(day.isoformat()) for day in days)
    for year, leap in ((1, False), (4, True), (100, False), (400, True), (2100, False), (9996, True)):
        assert bool(pattern.search(f"{year:04}-02-29")) is leap
