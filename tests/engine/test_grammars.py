"""The batch's grammars and pictures are nothing that a person waits behind, and one grammar is compiled once."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from sidecar.engine import GenerationRequest, RequestPriority, images
from sidecar.engine.grammars import Grammars
from sidecar.errors import EngineFailed, InvalidSchema
from tests.engine.conftest import Bench
from tests.engine.pictures import about, circle, data_url, encoded
from tests.engine.test_grammar import of_the_demo_model

HIGH, LOW = RequestPriority.HIGH, RequestPriority.LOW
SCHEMA = {
    "type": "object",
    "properties": {"tag": {"enum": ["a", "b"]}},
    "required": ["tag"],
    "additionalProperties": False,
}
MANY = 40  # more than the event loop has threads of its own


@pytest.fixture
def held() -> Any:
    """Something that takes as long as the test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests whose grammars were compiled."""
    from sidecar.engine import grammar

    compiled, requests = grammar.compiled, []

    def noted(request: Any, *rest: Any) -> Any:
        requests.append(request)
        return compiled(request, *rest)

    monkeypatch.setattr(grammar, "compiled", noted)
    return requests


async def test_a_person_s_grammar_is_not_compiled_behind_the_batch_s(
    own: Bench, monkeypatch: pytest.MonkeyPatch, held: threading.Event
) -> None:
    from sidecar.engine import grammar

    compiled = grammar.compiled

    def slow(request: Any, *rest: Any) -> Any:
        if request.priority == LOW:
            held.wait(60)
        return compiled(request, *rest)

    monkeypatch.setattr(grammar, "compiled", slow)
    batch = [asyncio.create_task(own.ask("hello", schema=SCHEMA | {"title": str(n)})) for n in range(MANY)]
    await asyncio.sleep(0)  # they ask first

    assert (await own.ask("hello", priority=HIGH, schema=SCHEMA, max_tokens=4)).end.completion_tokens == 4
    for each in batch:
        each.cancel()
    await asyncio.gather(*batch, return_exceptions=True)


async def test_a_person_s_picture_is_not_read_behind_the_batch_s(
    own: Bench, monkeypatch: pytest.MonkeyPatch, held: threading.Event
) -> None:
    read_picture = images.read_picture
    person_s, batch_s = (data_url(encoded(circle(colour))) for colour in ("red", "blue"))

    def slow(url: str, attachments: Path) -> bytes:
        if url == batch_s:
            held.wait(60)
        return read_picture(url, attachments)

    monkeypatch.setattr(images, "read_picture", slow)
    batch = [asyncio.create_task(own.ask(about(batch_s))) for _ in range(MANY)]
    await asyncio.sleep(0)  # they ask first

    assert (await own.ask(about(person_s), priority=HIGH)).end.completion_tokens == 16
    for each in batch:
        each.cancel()
    await asyncio.gather(*batch, return_exceptions=True)


@pytest.mark.parametrize("loaded", [True, False], ids=["loaded", "loaded for it"])
async def test_a_grammar_that_many_requests_share_is_compiled_once(
    own: Bench, compilations: list[Any], loaded: bool
) -> None:
    if not loaded:
        await own.engine.unload_model()

    answers = await asyncio.gather(
        *(own.ask(f"text {number}", schema=SCHEMA, temperature=1.0, seed=number) for number in range(12))
    )

    assert len(compilations) == 1
    assert {answer.text for answer in answers} <= {'{"tag":"a"}', '{"tag":"b"}'}


async def test_requests_that_may_answer_otherwise_have_grammars_of_their_own(own: Bench) -> None:
    other = SCHEMA | {"properties": {"tag": {"enum": ["c"]}}}
    begun = [{"role": "user", "content": "x"}, {"role": "assistant", "content": '{"tag":"b'}]
    for _ in range(2):
        first, second = await own.ask("hello", schema=SCHEMA), await own.ask("hello", schema=other)
        continued = await own.ask(begun, schema=SCHEMA)

        assert first.text in ('{"tag":"a"}', '{"tag":"b"}')
        assert second.text == '{"tag":"c"}'
        assert continued.text == '"}'


async def test_those_used_last_are_kept(own: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from sidecar.engine import grammar, grammars

    compiled, titles = grammar.compiled, []

    def recorded(request: Any, *rest: Any) -> Any:
        titles.append(request.schema["title"])
        return compiled(request, *rest)

    monkeypatch.setattr(grammar, "compiled", recorded)
    monkeypatch.setattr(grammars, "MOST_KEPT", 2)
    for title in ("a", "b", "a", "c", "a", "b"):
        await own.ask("hello", schema=SCHEMA | {"title": title})

    assert titles == ["a", "b", "c", "b"]


def test_what_a_grammar_does_not_depend_on_is_not_kept_with_it(compilations: list[Any]) -> None:
    grammars = Grammars(of_the_demo_model())
    for name, text in (("f", "x" * 1_000_000), ("f", "y"), ("g", "y")):
        tool = {"type": "function", "function": {"name": name, "description": text, "parameters": {}}}
        grammars.compiled(GenerationRequest("x", [{"role": "user", "content": "hi"}], tools=[tool]))

    assert len(compilations) == 2
    assert sum(map(len, grammars._kept)) < 100


async def test_what_is_refused_is_compiled_once_too(own: Bench, compilations: list[Any]) -> None:
    nothing = {"type": "string", "enum": []}
    asked = [own.ask("hello", schema=nothing) for _ in range(5)]
    refused = await asyncio.gather(*asked, return_exceptions=True)

    assert {type(each) for each in refused} == {InvalidSchema}
    assert len({str(each.details) for each in refused if isinstance(each, InvalidSchema)}) == 1
    assert len(compilations) == 1


async def test_people_are_served_while_a_schema_is_compiled_for_a_model_that_was_just_loaded(
    own: Bench, monkeypatch: pytest.MonkeyPatch, held: threading.Event
) -> None:
    from sidecar.engine import grammar

    compiled, compiling = grammar.compiled, threading.Event()

    def slow(request: Any, *rest: Any) -> Any:
        compiling.set()
        held.wait(60)
        return compiled(request, *rest)

    monkeypatch.setattr(grammar, "compiled", slow)
    await own.engine.unload_model()
    with_schema = asyncio.create_task(own.ask("hello", priority=HIGH, schema=SCHEMA))
    assert await asyncio.to_thread(compiling.wait, 60)

    assert (await own.ask("hello", priority=HIGH, max_tokens=4)).end.completion_tokens == 4
    assert (await own.ask("hello", max_tokens=4)).end.completion_tokens == 4
    assert not with_schema.done()
    held.set()
    assert (await with_schema).text in ('{"tag":"a"}', '{"tag":"b"}')


async def test_whoever_waits_for_a_grammar_hears_that_the_engine_is_closed(
    own: Bench, monkeypatch: pytest.MonkeyPatch, held: threading.Event
) -> None:
    from sidecar.engine import grammar

    compiling, begun = threading.Event(), 0

    def slow(request: Any, *rest: Any) -> Any:
        nonlocal begun
        begun += 1
        compiling.set()
        held.wait(60)
        raise AssertionError

    monkeypatch.setattr(grammar, "compiled", slow)
    waiting = [asyncio.create_task(own.ask("hello", schema=SCHEMA | {"title": str(n)})) for n in range(3)]
    assert await asyncio.to_thread(compiling.wait, 60)

    own.engine.close()

    for each in waiting[1:]:
        with pytest.raises(EngineFailed):
            await each
    held.set()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert begun == 1


@pytest.mark.parametrize("priority", [HIGH, LOW])
async def test_what_nobody_waits_for_any_more_is_not_compiled(
    own: Bench, monkeypatch: pytest.MonkeyPatch, held: threading.Event, priority: RequestPriority
) -> None:
    from sidecar.engine import grammar

    compiled, compiling, begun = grammar.compiled, threading.Event(), 0

    def slow(request: Any, *rest: Any) -> Any:
        nonlocal begun
        begun += 1
        compiling.set()
        held.wait(60)
        return compiled(request, *rest)

    monkeypatch.setattr(grammar, "compiled", slow)
    asked = (own.ask("hello", priority=priority, schema=SCHEMA | {"title": str(n)}) for n in range(MANY))
    given_up = [asyncio.create_task(each) for each in asked]
    assert await asyncio.to_thread(compiling.wait, 60)
    for each in given_up:
        each.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    held.set()

    assert (await own.ask("hello", priority=priority, schema=SCHEMA)).text in ('{"tag":"a"}', '{"tag":"b"}')
    assert begun == 2


async def test_several_choices_of_a_model_that_was_just_loaded_have_one_grammar(
    own: Bench, compilations: list[Any]
) -> None:
    await own.engine.unload_model()
    begun = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": '{"tag":"'}]

    answers = await own.ask_for(3, begun, priority=HIGH, schema=SCHEMA)

    assert {answer.text for answer in answers} <= {'a"}', 'b"}'}
    assert len(compilations) == 1
