"""Tool calls: text until the tag, then what the tool's schema allows and nothing else, never a raw tag."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sidecar.engine import TextDelta, ToolCallDelta
from sidecar.engine.reply import Reply
from sidecar.engine.tools import AFTER_ARGUMENTS, BEFORE_ARGUMENTS, BEFORE_NAME, TAGS, CallReader
from sidecar.errors import InvalidRequest, InvalidSchema
from tests.engine.conftest import Answer, Bench
from tests.engine.synthetic import token, tokens

CALL = token("<tool_call>")

WEATHER_ARGUMENTS = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 8},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "unit": {"enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "days"],
    "additionalProperties": False,
}


def function(name: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **({"parameters": parameters} if parameters else {})}}


WEATHER, NOW = function("weather", WEATHER_ARGUMENTS), function("now")
TOOLS = [WEATHER, NOW]
SCHEMAS = {"weather": WEATHER_ARGUMENTS, "now": {"type": "object", "maxProperties": 0}}


def finished_calls(answer: Answer) -> list[tuple[str, str]]:
    """The calls that are whole: all, or all but the last where the limit may have cut it."""
    return answer.calls if answer.end.finish_reason == "tool_calls" else answer.calls[:-1]


def valid(answer: Answer) -> bool:
    for name, arguments in finished_calls(answer):
        Draft202012Validator(SCHEMAS[name]).validate(json.loads(arguments))
    return not any(tag in answer.text for tag in TAGS)


@pytest.mark.parametrize("choice", ["required", {"name": "weather"}, {"name": "now"}], ids=str)
async def test_a_call_that_is_required_is_made_and_its_arguments_validate_with_random_weights(
    bench: Bench, choice: Any
) -> None:
    answers = await asyncio.gather(
        *(
            bench.ask("hi", tools=TOOLS, tool_choice=choice, temperature=temperature, seed=seed, max_tokens=400)
            for seed, temperature in enumerate((0.0, 0.7, 1.0, 1.5, 2.0))
        )
    )

    assert all(answer.calls and answer.text == "" and valid(answer) for answer in answers)
    assert any(answer.end.finish_reason == "tool_calls" for answer in answers)
    if isinstance(choice, dict):
        assert {name for answer in answers for name, _ in answer.calls} == {choice["name"]}


async def test_a_free_choice_with_random_weights_never_shows_a_tag_and_calls_only_what_validates(bench: Bench) -> None:
    # A bias makes the model begin a call somewhere in its text.
    answers = await asyncio.gather(
        *(
            bench.ask("hi", tools=TOOLS, temperature=1.0, seed=seed, max_tokens=300, logit_bias={CALL: 4})
            for seed in range(6)
        )
    )

    assert all(valid(answer) for answer in answers)
    assert any(answer.text and finished_calls(answer) for answer in answers)


async def test_a_free_choice_without_a_call_is_the_answer_without_constraint(bench: Bench) -> None:
    members = {"tools": TOOLS, "max_tokens": 20, "logit_bias": {CALL: -100}}

    bound = await bench.ask("hello", **members)

    assert bound.calls == []
    assert bound.end.finish_reason == "length"
    assert bound.text


async def test_parallel_calls_follow_each_other_and_only_one_comes_where_they_are_not_wanted(bench: Bench) -> None:
    members = {"tools": [NOW], "tool_choice": "required", "max_tokens": 200, "temperature": 1.0}
    newline = tokens()[b"\n"]

    many = await bench.ask("hi", **members, seed=1, logit_bias={newline: 50})
    one = await bench.ask("hi", **members, seed=1, logit_bias={newline: 50}, parallel_tool_calls=False)

    assert len(many.calls) > 2
    assert set(many.calls[:-1]) == {("now", "{}")}  # the last one may be cut off
    assert one.calls == [("now", "{}")]
    assert one.end.finish_reason == "tool_calls"


async def test_no_tool_is_called_where_the_choice_is_none(bench: Bench) -> None:
    members = {"tools": TOOLS, "tool_choice": "none", "max_tokens": 30}

    answer = await bench.ask("hi", **members, logit_bias={CALL: 100})

    assert answer.calls == []
    assert answer.text == ""
    assert answer.end.prompt_tokens == (await bench.ask("hi")).end.prompt_tokens


async def test_the_first_delta_of_a_call_names_it_and_the_others_bring_its_arguments(bench: Bench) -> None:
    answer = await bench.ask(
        "hi", tools=TOOLS, tool_choice={"name": "weather"}, max_tokens=300, parallel_tool_calls=False
    )

    first, *rest = answer.deltas
    assert isinstance(first, ToolCallDelta)
    assert (first.index, first.name, first.arguments) == (0, "weather", "")
    assert first.id is not None
    assert first.id.startswith("call_")
    assert len(rest) > 3
    assert all(isinstance(delta, ToolCallDelta) and delta.id is None and delta.name is None for delta in rest)
    assert all(isinstance(delta, ToolCallDelta) and delta.arguments for delta in rest)


async def test_a_call_cut_by_the_limit_says_length(bench: Bench) -> None:
    answer = await bench.ask("hi", tools=TOOLS, tool_choice={"name": "weather"}, max_tokens=14)

    assert answer.end.finish_reason == "length"


async def test_a_schema_beside_tools_leaves_a_call_or_json_that_validates(bench: Bench) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"], "additionalProperties": False}
    members = {"tools": TOOLS, "schema": schema, "max_tokens": 300, "temperature": 1.0}

    for bias, called in ((100, True), (-100, False)):
        answer = await bench.ask("hi", **members, seed=2, logit_bias={CALL: bias})
        assert bool(answer.calls) == called
        assert valid(answer)
        assert called or json.loads(answer.text)["a"] in (1, 2)


async def test_a_stop_string_means_nothing_inside_a_call(bench: Bench) -> None:
    members = {"tools": [NOW], "tool_choice": "required", "parallel_tool_calls": False, "max_tokens": 60}

    assert (await bench.ask("hi", **members, stop=("now", "{"))).calls == [("now", "{}")]


@pytest.mark.parametrize(
    ("tools", "choice", "member"),
    [
        ([function("odd name")], "auto", "tools"),
        ([function("")], "auto", "tools"),
        ([function("x" * 65)], "auto", "tools"),
        ([function('"}<tool_call>')], "auto", "tools"),
        ([function("naïve")], "auto", "tools"),
        ([function("line\n")], "auto", "tools"),
        ([NOW, NOW], "auto", "tools"),
        ([function(f"f{i}") for i in range(129)], "auto", "tools"),
        ([NOW], {"name": "other"}, "tool_choice"),
        ([NOW], "any", "tool_choice"),
        ([], "required", "tool_choice"),
        ([], {"name": "now"}, "tool_choice"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_tools_that_cannot_be_called_are_refused_by_name(
    bench: Bench, tools: Any, choice: Any, member: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await bench.ask("hi", tools=tools, tool_choice=choice)

    assert refused.value.details == {"member": member}


@pytest.mark.parametrize(
    ("parameters", "member"),
    [
        ({"type": "string"}, "tools"),
        ({"type": "object", "properties": {"a": {"type": "strin"}}}, "tools.1.function.parameters"),
        ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "tools.1.function.parameters"),
    ],
)
async def test_parameters_that_cannot_be_enforced_are_an_invalid_schema(
    bench: Bench, parameters: dict[str, Any], member: str
) -> None:
    with pytest.raises(InvalidSchema) as refused:
        await bench.ask("hi", tools=[NOW, function("f", parameters)])

    assert refused.value.details["member"] == member


async def test_the_demo_model_calls_a_tool_with_the_argument_it_was_given(bench: Bench, demo_model: Path) -> None:
    answer = await bench.ask(
        "Set a timer for 5 minutes", model=demo_model, tools=TOOLS, tool_choice="required", max_tokens=80
    )

    assert answer.calls
    assert valid(answer)


# The reader alone.

SPELLINGS = {
    1: b"Let me see.\n",
    2: b"<tool",
    3: b"_call>",
    4: BEFORE_NAME.encode() + b"wea",
    5: b"ther" + BEFORE_ARGUMENTS.encode() + b"{",
    6: b'"a": {}',
    7: b"}" + AFTER_ARGUMENTS[:1].encode(),
    8: AFTER_ARGUMENTS[1:].encode(),
    9: b"\n",
    100: b"",
    101: b"",
}


def read(answer: list[int], *, call: int | None = 100) -> tuple[str, list[ToolCallDelta]]:
    reply = Reply(SPELLINGS.__getitem__, call=call, call_end=101)
    deltas = [delta for each in answer for delta in reply.push(each)] + list(reply.finish())
    calls = [delta for delta in deltas if isinstance(delta, ToolCallDelta)]
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)), calls


def test_text_then_two_calls_are_read_as_such() -> None:
    call = [100, 4, 5, 6, 7, 8, 101]

    text, deltas = read([1, *call, 9, *call])

    assert text == "Let me see."
    assert [delta.index for delta in deltas if delta.name] == [0, 1]
    assert "".join(delta.arguments for delta in deltas if delta.index == 1) == '{"a": {}}'
    assert len({delta.id for delta in deltas if delta.id}) == 2


def test_a_tag_that_the_model_spells_out_is_no_call_and_does_not_look_like_one() -> None:
    assert read([1, 2, 3, 1]) == ("Let me see.\n‹tool_call›Let me see.\n", [])
    assert read([2, 2, 3, 3]) == ("<tool‹tool_call›_call>", [])
    assert read([2, 101, 3])[0] == "‹tool_call›"
    assert read([1, 2, 3, 1], call=None)[0] == "Let me see.\n‹tool_call›Let me see.\n"


async def test_a_tag_among_the_words_of_a_schema_stays_as_it_is(bench: Bench) -> None:
    schema = {"enum": ["<tool_call>", "</tool_call>"]}

    answers = [await bench.ask("hi", schema=schema, temperature=1.0, seed=seed) for seed in range(4)]

    assert {answer.text for answer in answers} <= {'"<tool_call>"', '"</tool_call>"'}


@given(st.text(alphabet='ab{}"\n é', max_size=20), st.data())
def test_arguments_come_whole_however_they_are_cut(arguments: str, data: st.DataObject) -> None:
    text = BEFORE_NAME + "f" + BEFORE_ARGUMENTS + arguments + AFTER_ARGUMENTS
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)) | {0, len(text)})
    reader = CallReader()

    read = [reader.push(text[begin:end]) for begin, end in pairwise(cuts)]

    assert reader.name == "f"
    assert "".join(read) == arguments
