"""JSON answers validate, whatever the weights; a schema that cannot be enforced is refused before anything is said."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sidecar.errors import InvalidRequest, InvalidSchema
from tests.engine.conftest import Answer, Bench

NESTED = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 12},
        "kind": {"enum": ["täg", "文件", 3, None, 'a "quoted" one']},
        "size": {"type": "number", "minimum": 0, "maximum": 10},
        "count": {"type": "integer", "minimum": -5, "maximum": 5},
        "open": {"type": "boolean"},
        "tags": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[a-zé]{1,4}$"},
            "minItems": 1,
            "maxItems": 3,
        },
        "inside": {
            "type": "object",
            "properties": {"deep": {"type": "object", "properties": {"x": {"const": 1}}, "required": ["x"]}},
            "required": ["deep"],
            "additionalProperties": False,
        },
    },
    "required": ["title", "kind", "size", "count", "open", "tags", "inside"],
    "additionalProperties": False,
}
LIST = {
    "type": "object",
    "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
    "required": ["value", "next"],
    "additionalProperties": False,
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "nested": NESTED,
    "a recursive list": LIST,
    "tags": {"type": "object", "properties": {"tags": {"type": "array", "items": {"enum": ["a", "b", "cé"]}}}},
    "any object": {"type": "object"},
    "a member and others": {
        "type": "object",
        "properties": {"id": {"type": "integer"}},
        "patternProperties": {"^x": {"type": "boolean"}},
        "additionalProperties": {"type": "null"},
        "required": ["id"],
    },
    "a definition": {
        "$defs": {"p": {"type": "string", "format": "date"}},
        "type": "array",
        "items": {"$ref": "#/$defs/p"},
    },
    "either": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "array", "items": {"type": "null"}}]},
}


def valid(answer: Answer, schema: dict[str, Any]) -> bool:
    Draft202012Validator(schema).validate(json.loads(answer.text))
    return True


@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("name", SCHEMAS)
async def test_every_finished_answer_validates_with_random_weights(bench: Bench, name: str, temperature: float) -> None:
    schema = SCHEMAS[name]

    answers = await asyncio.gather(
        *(
            bench.ask("hello", schema=schema, temperature=temperature, seed=seed, max_tokens=400)
            for seed in range(1 if temperature == 0 else 6)
        )
    )

    finished = [answer for answer in answers if answer.end.finish_reason == "stop"]
    assert all(valid(answer, schema) for answer in finished)
    assert all(answer.end.finish_reason in ("stop", "length") for answer in answers)
    # The likeliest words of random weights may go round in circles for good.
    assert finished or temperature == 0


async def test_free_answers_beside_constrained_ones_are_those_given_alone(bench: Bench) -> None:
    free = {"temperature": 1.0, "seed": 3, "max_tokens": 40}
    bound = free | {"schema": NESTED}
    alone = [await bench.ask("hello", **members) for members in (free, bound)]

    together = await asyncio.gather(bench.ask("hello", **free), bench.ask("hello", **bound), bench.ask("hello"))

    assert [answer.text for answer in together[:2]] == [answer.text for answer in alone]


async def test_an_answer_cut_by_its_limit_says_so(bench: Bench) -> None:
    answer = await bench.ask("hello", schema={"type": "string", "minLength": 500}, max_tokens=10)

    assert answer.end.finish_reason == "length"
    assert answer.text.startswith('"')


async def test_no_white_space_stands_between_the_parts(bench: Bench) -> None:
    schema = {"type": "object", "properties": {"a": {"const": 1}, "b": {"const": [1, 2]}}, "required": ["a", "b"]}

    answer = await bench.ask("hello", schema=schema | {"additionalProperties": False}, max_tokens=32)

    assert answer.text == '{"a":1,"b":[1,2]}'
    assert answer.end.finish_reason == "stop"


async def test_a_caller_s_options_for_the_compiler_are_not_obeyed(bench: Bench) -> None:
    schema = {"const": {"a": 1}, "x-guidance": {"whitespace_flexible": True, "key_separator": " : "}}

    assert (await bench.ask("hello", schema=schema)).text == '{"a":1}'


async def test_several_choices_keep_to_the_schema_each(bench: Bench) -> None:
    choices = await bench.ask_for(4, "hello", schema=SCHEMAS["either"], temperature=1.0, seed=1, max_tokens=300)

    finished = [choice for choice in choices if choice.end.finish_reason == "stop"]
    assert finished
    assert all(valid(choice, SCHEMAS["either"]) for choice in finished)


async def test_a_begun_answer_is_continued_to_one_that_validates(bench: Bench) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"enum": [12, 13]}},
        "required": ["n"],
        "additionalProperties": False,
    }
    begun = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": '{"n":1'}]

    assert (await bench.ask(begun, schema=schema)).text in ("2}", "3}")
    with pytest.raises(InvalidRequest):
        await bench.ask([begun[0], {"role": "assistant", "content": "Well, "}], schema=schema)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "strin"}, "Invalid type"),
        ({"type": "string", "pattern": "(?=a)b"}, "look-around"),
        ({"not": {"type": "null"}}, "not"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"type": "integer", "minimum": 5, "maximum": 3}, "minimum (5) is greater than maximum (3)"),
        ({"$ref": "#/$defs/nowhere"}, "nowhere"),
        ({"$ref": "#"}, "no finite answer"),
        ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "without an end"),
        ({"enum": ["x" * 1000] * 600}, "characters"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "oneOf"),
    ],
)
async def test_a_schema_that_cannot_be_enforced_is_refused_with_the_reason(
    bench: Bench, schema: dict[str, Any], reason: str
) -> None:
    neighbour = asyncio.ensure_future(bench.ask("hello", max_tokens=30))
    bench.announced.clear()

    with pytest.raises(InvalidSchema) as refused:
        await bench.ask("hello", schema=schema)

    assert reason in str(refused.value.details["reason"])
    assert refused.value.details["member"] == "response_format"
    assert (await neighbour).text == (await bench.ask("hello", max_tokens=30)).text


async def test_a_schema_nested_beyond_reason_is_refused(bench: Bench) -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(5000):
        schema = {"type": "array", "items": schema}

    with pytest.raises(InvalidSchema):
        await bench.ask("hello", schema=schema)


async def test_a_large_schema_is_compiled_while_others_are_answered(bench: Bench) -> None:
    branches = {
        f"p{i}": {"type": "object", "properties": {f"q{j}": {"type": "string"} for j in range(20)}} for i in range(90)
    }
    schema = {"type": "object", "properties": branches, "additionalProperties": False}

    bound, free = await asyncio.gather(
        bench.ask("hello", schema=schema, max_tokens=60), bench.ask("hello", max_tokens=20)
    )

    assert free.end.completion_tokens == 20
    assert bound.end.finish_reason == "length" or valid(bound, schema)


async def test_a_stop_string_with_a_schema_is_refused_as_it_would_cut_the_json(bench: Bench) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await bench.ask("hello", schema={"type": "object"}, stop=("}",))

    assert refused.value.details == {"member": "stop"}


async def test_a_grammar_that_fails_under_way_fails_its_row_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine.grammar import Grammar

    alone = await bench.ask("hello", max_tokens=30)

    def broken(_: Grammar) -> bytes:
        raise InvalidSchema("too complex", reason="too complex")

    monkeypatch.setattr(Grammar, "bitmask", broken)
    neighbour, failed = await asyncio.gather(
        bench.ask("hello", max_tokens=30), bench.ask("hello", schema={"type": "object"}), return_exceptions=True
    )

    assert isinstance(failed, InvalidSchema)
    assert isinstance(neighbour, Answer)
    assert neighbour.text == alone.text


async def test_what_a_schema_forces_at_the_beginning_is_the_answer_s_and_not_the_prompt_s(bench: Bench) -> None:
    properties = {"a_rather_long_name": {"enum": [1, 2]}}
    schema = {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
    free = await bench.ask("hello")

    answer = await bench.ask("hello", schema=schema, max_tokens=60)
    each = await bench.ask("hello", schema=schema, max_tokens=60, top_logprobs=0)
    cut = await bench.ask("hello", schema=schema, max_tokens=4)

    assert valid(answer, schema)
    assert answer.end.prompt_tokens == free.end.prompt_tokens
    assert answer.end.completion_tokens > len(answer.pieces)
    assert len(each.logprobs) == each.end.completion_tokens - 1  # all but the end of the turn
    assert (cut.end.finish_reason, cut.end.completion_tokens) == ("length", 4)
    assert answer.text.startswith(cut.text)
