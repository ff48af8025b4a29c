"""Whatever way is taken through a grammar, what comes out at its end validates."""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sidecar.engine import GenerationRequest
from sidecar.engine.grammar import Grammar, Vocabulary, compiled, vocabulary
from sidecar.errors import InvalidSchema
from tests.engine.synthetic import DEMO_MODEL, token, tokens

END = token("<|im_end|>")
MOST_TOKENS = 400


@cache
def of_the_demo_model() -> Vocabulary:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(DEMO_MODEL, local_files_only=True)
    return vocabulary(tokenizer, len(tokenizer), frozenset({END}))


@cache
def spellings() -> dict[int, bytes]:
    return {number: spelled for spelled, number in tokens().items()}


def grammar(**members: Any) -> Grammar:
    request = GenerationRequest("x", [{"role": "user", "content": "hi"}], **members)
    return compiled(request, of_the_demo_model())


def allowed(walked: Grammar) -> list[int]:
    mask = walked.bitmask()
    assert mask is not None
    return [int(number) for number in np.flatnonzero(np.unpackbits(np.frombuffer(mask, np.uint8), bitorder="little"))]


def takes(walked: Grammar, text: str) -> bool:
    """Whether the text is an answer, in whatever tokens."""
    return takes_bytes(walked, text.encode())


def takes_bytes(walked: Grammar, whole: bytes) -> bool:
    """Whether the bytes are the rest of an answer."""
    pending, seen = [(walked, 0)], set()  # which tokens led to a place makes no difference to what may follow
    while pending:
        reached, at = pending.pop()
        if at in seen:
            continue
        seen.add(at)
        choices = allowed(reached)
        if at == len(whole) and END in choices:
            return True
        for taken in choices:
            spelled = spellings().get(taken, b"")
            if spelled and whole.startswith(spelled, at):
                ahead = reached.copy()
                ahead.advance(taken)
                pending.append((ahead, at + len(spelled)))
    return False


def walk(walked: Grammar, rng: random.Random) -> str | None:
    """The text of one random way to the end; None if it is long. What closes something is preferred now and then."""
    text = b""
    for _ in range(MOST_TOKENS):
        choices = allowed(walked)
        closing = [choice for choice in choices if spellings().get(choice, b"")[:1] in b'"]}']
        if closing and rng.random() < 0.5:
            choices = closing
        taken = rng.choice(choices)
        walked.advance(taken)
        if taken == END:
            return text.decode()
        text += spellings().get(taken, b"")
    return None


names = st.text(alphabet='abé文"\\ \n', min_size=1, max_size=4)
constants = st.none() | st.booleans() | st.integers(-99, 99) | names


def spans(most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, most), min_size=2, max_size=2).map(sorted)


def an_object(properties: dict[str, Any], required: list[str], *, more: Any = False) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": more}


leaves = st.one_of(
    st.just({"type": "string"}),
    spans(4).map(lambda span: {"type": "string", "minLength": span[0], "maxLength": span[1]}),
    spans(40).map(lambda span: {"type": "integer", "minimum": span[0], "maximum": span[1]}),
    st.sampled_from(["number", "integer", "boolean", "null"]).map(lambda kind: {"type": kind}),
    st.lists(constants, min_size=1, max_size=4).map(lambda values: {"enum": values}),
    constants.map(lambda value: {"const": value}),
)


def containers(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    objects = st.dictionaries(names, inner, max_size=4).flatmap(
        lambda properties: st.builds(
            lambda required, more: an_object(properties, required, more=more),
            st.lists(st.sampled_from(sorted(properties)), unique=True) if properties else st.just([]),
            st.booleans() | leaves,
        )
    )
    arrays = st.builds(
        lambda items, span: {"type": "array", "items": items, "minItems": span[0], "maxItems": span[1]}, inner, spans(3)
    )
    return objects | arrays | st.lists(inner, min_size=1, max_size=3).map(lambda either: {"anyOf": either})


schemas = st.recursive(leaves, containers, max_leaves=6)


@settings(max_examples=60, deadline=None)
@given(schemas, st.integers(0, 2**32))
def test_every_way_to_the_end_of_a_schema_validates(schema: dict[str, Any], seed: int) -> None:
    text = walk(grammar(schema=schema), random.Random(seed))

    if text is not None:
        Draft202012Validator(schema).validate(json.loads(text))


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(names, leaves, max_size=3), st.integers(0, 2**32))
def test_every_way_through_a_call_has_arguments_that_validate(properties: dict[str, Any], seed: int) -> None:
    parameters = an_object(properties, sorted(properties))
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}

    text = walk(grammar(tools=[tool], tool_choice="required", parallel_tool_calls=False), random.Random(seed))

    if text is not None:
        call = json.loads(text)
        assert list(call) == ["name", "arguments"]
        Draft202012Validator(parameters).validate(call["arguments"])


NO_TOKENS = ["Cafe\u0301.jpg", "\u0932\u095c\u0915\u0940", "10 k\u2126", "<think>", "<|im_end|>", "a <tool_call> b"]


@pytest.mark.parametrize("word", NO_TOKENS, ids=ascii)
def test_text_that_the_tokenizer_makes_another_of_is_answered_as_it_is(word: str) -> None:
    def begun(value: dict[str, Any]) -> str:
        properties = {"a": {"type": "string", "maxLength": 5}, word: value}
        walked = grammar(schema=an_object(properties, ["a", word]))
        text = walk(walked, random.Random(word))
        assert text is not None
        return text

    assert json.loads(begun({"const": word}))[word] == word
    assert json.loads(begun({"enum": [word, "other"]}))[word] in (word, "other")
    assert json.loads(begun({"type": "integer", "maximum": 5, "minimum": 0}))[word] in range(6)


def test_what_an_answer_begins_with_without_a_choice_is_read_with_the_prompt() -> None:
    schema = an_object({"tags": {"type": "array", "items": {"type": "string"}, "minItems": 1}}, ["tags"])
    parameters = an_object({"city": {"type": "string"}}, ["city"])
    tool = {"type": "function", "function": {"name": "weather", "parameters": parameters}}
    begun = {"schema": grammar(schema=schema), "call": grammar(tools=[tool], tool_choice="required")}

    texts = {
        each: b"".join(spellings().get(at, b"") for at in walked.take_forced(100)) for each, walked in begun.items()
    }

    # Perhaps less its last token, which the answer may go on within.
    assert b'{"tags":["'.startswith(texts["schema"])
    assert len(texts["schema"]) >= len('{"tags')
    assert b'"name": "weather", "arguments": {"city"' in texts["call"]


def test_what_is_read_with_the_prompt_is_the_schema_s_text() -> None:
    for word in NO_TOKENS:
        walked = grammar(schema={"const": word})
        whole = json.dumps(word, ensure_ascii=False).encode()
        begun = b"".join(spellings()[each] for each in walked.take_forced(100))

        assert whole.startswith(begun)
        assert takes_bytes(walked, whole[len(begun) :])


def test_text_without_a_choice_may_come_in_any_tokens() -> None:
    # To look for the usual ones takes as long as all that is left of it.
    walked = grammar(schema={"const": "where"})
    walked.advance(*allowed(walked))

    texts = {spellings()[each] for each in allowed(walked)}
    assert b"w" in texts
    assert len(texts) > 1
    assert all(b'where"'.startswith(each) for each in texts)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "null"}},
        {"type": "object", "properties": {"a": {"type": "integer"}}, "patternProperties": {"^b": {"type": "integer"}}},
    ],
)
def test_a_member_cannot_be_named_again_by_its_characters_numbers(schema: dict[str, Any]) -> None:
    assert takes(grammar(schema=schema), '{"a":1}')
    for name in (r"\u0061", r"\u0062y", "a"):
        assert not takes(grammar(schema=schema), f'{{"a":1,"{name}":"x"}}')
    begun = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": '{"a":1,"\\'}]
    continued = compiled(GenerationRequest("x", begun, schema=schema), of_the_demo_model())
    assert takes(continued, r'n":null}')
    assert not takes(continued, r'u0061":null}')


def test_what_a_backslash_escapes_is_known_wherever_tokens_are_cut() -> None:
    assert takes(grammar(schema={"type": "string"}), r'"C:\\\\users\\n"')
    assert not takes(grammar(schema={"type": "string"}), r'"C:\\\u0061"')


def test_a_constant_of_which_only_the_number_can_be_written_is_written_so() -> None:
    text = walk(grammar(schema={"const": "a\u0001"}), random.Random(1))

    assert text is not None
    assert json.loads(text) == "a\u0001"


@pytest.mark.parametrize("free", [{}, {"additionalProperties": {}}, {"patternProperties": {"^a": {}}}])
def test_members_of_any_name_cannot_be_counted(free: dict[str, Any]) -> None:
    counted = {"type": "object", "minProperties": 2} | free
    with pytest.raises(InvalidSchema) as refused:
        grammar(schema={"type": "array", "items": counted})
    assert "minProperties" in str(refused.value.details["reason"])

    with pytest.raises(InvalidSchema):
        grammar(schema={"type": "object", "properties": {"default": counted}})
    assert grammar(schema={"const": counted})


def test_a_copy_walks_on_its_own() -> None:
    first = grammar(schema={"enum": ["a", "b"]})
    second = first.copy()

    first.advance(allowed(first)[0])

    assert allowed(second) == allowed(grammar(schema={"enum": ["a", "b"]}))


def test_after_its_end_a_grammar_allows_the_end_only() -> None:
    walked = grammar(schema={"const": 7})
    for number in (tokens()[b"7"], END, END):
        walked.advance(number)
        assert allowed(walked) == [END]


def test_tools_that_are_too_large_together_are_refused() -> None:
    parameters = {"type": "object", "properties": {"a": {"enum": [f"{'x' * 90}{i}" for i in range(1000)]}}}
    many = [{"type": "function", "function": {"name": f"f{i}", "parameters": parameters}} for i in range(8)]

    with pytest.raises(InvalidSchema) as refused:
        grammar(tools=many)

    assert refused.value.details["member"] == "tools"


def test_a_schema_that_turns_out_too_complex_under_way_is_named_too() -> None:
    schema = {"type": "array", "items": {"type": "string", "pattern": "^(.{0,2000}a){0,2000}b$"}, "minItems": 1}
    walked = grammar(schema=schema)

    with pytest.raises(InvalidSchema) as refused:
        walk(walked, random.Random(1))

    assert refused.value.details["member"] == "response_format"
    assert "too many expressions" in str(refused.value.details["reason"])


@pytest.mark.parametrize("name", ["n" * 90, "two words " * 9])
def test_a_reason_has_no_more_than_a_beginning_of_what_somebody_named(name: str) -> None:
    for schema in ({"required": [name], "properties": {}, "additionalProperties": False}, {"$ref": f"#/$defs/{name}"}):
        with pytest.raises(InvalidSchema) as refused:
            grammar(schema={"type": "object"} | schema)

        reason = str(refused.value.details["reason"])
        assert name[:20] in reason
        assert name[:42] not in reason


@pytest.mark.parametrize("tools", [False, True])
def test_a_reason_is_nothing_but_the_reason(tools: bool) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": ["Joe Miller"], "not": {}}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    with pytest.raises(InvalidSchema) as refused:
        grammar(**({"tools": [tool]} if tools else {"schema": schema}))

    assert refused.value.details["reason"] == 'Unimplemented keys: ["not"]'


def test_a_reason_has_neither_a_state_nor_a_backtrace() -> None:
    either = [
        {"anyOf": [{"type": "object", "properties": {f"p{n}_{k}": {}}, "required": [f"p{n}_{k}"]} for k in range(2)]}
        for n in range(11)
    ]
    with pytest.raises(InvalidSchema) as refused:
        grammar(schema={"type": "object", "allOf": either})

    assert "<" not in str(refused.value.details["reason"])
