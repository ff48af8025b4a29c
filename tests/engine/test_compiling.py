"""A schema that is costly to compile costs its own request, and neither the next one nor a picture."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from sidecar.engine import GenerationRequest, RequestPriority, compiling
from sidecar.engine.compiling import Compiling
from sidecar.engine.grammars import Grammars
from sidecar.engine.trials import Trials
from sidecar.errors import EngineFailed, InvalidSchema, ModelNotLoaded
from sidecar.niceness import NICE
from sidecar.worker.trial import Trial
from tests.engine.conftest import Bench
from tests.engine.pictures import about, circle, data_url, encoded
from tests.engine.test_grammar import of_the_demo_model
from tests.engine.test_loading import copied
from tests.pipe import ROOT
from tests.proxy.reaper import taking_in

HIGH, LOW = RequestPriority.HIGH, RequestPriority.LOW
SIMPLE = {"const": "ab"}
# Whether any text fits takes longer with each pattern: minutes with these.
PATTERNS = {"allOf": [{"type": "string", "pattern": f".*{chr(97 + at)}.{{{at + 5}}}"} for at in range(24)]}
CHAIN = {"$ref": "#/$defs/0", "$defs": {str(at): {"$ref": f"#/$defs/{at + 1}"} for at in range(5000)} | {"5000": {}}}


def function(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def request(**members: Any) -> GenerationRequest:
    return GenerationRequest("x", [{"role": "user", "content": "hi"}], **members)


@pytest.mark.parametrize("schema", [PATTERNS, CHAIN], ids=["patterns", "a chain of references"])
def test_what_would_take_minutes_or_the_process_with_it_is_refused_and_the_next_is_compiled(
    schema: dict[str, Any],
) -> None:
    grammars = Grammars(of_the_demo_model())

    with pytest.raises(InvalidSchema) as refused:
        grammars.compiled(request(schema=schema))

    assert refused.value.details["member"] == "response_format"
    assert "too complex" in str(refused.value.details["reason"])
    assert grammars.compiled(request(schema=SIMPLE))


@pytest.mark.parametrize(
    ("names", "member"), [(["patient"], "tools.0.function.parameters"), (["a", "patient"], "tools")]
)
def test_tools_that_take_too_long_are_named(monkeypatch: pytest.MonkeyPatch, names: list[str], member: str) -> None:
    monkeypatch.setattr(
        Trial, "forced", lambda _, tried, seconds: None if "patient" in str(tried) else [0] * len(tried)
    )
    tools = [function(name, {"description": name}) for name in names]

    with pytest.raises(InvalidSchema) as refused:
        Grammars(of_the_demo_model()).compiled(request(tools=tools))

    assert refused.value.details["member"] == member


def test_all_tools_are_tried_together_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[list[str]] = []

    def noted(_: Trial, grammars: Sequence[str], seconds: float) -> list[int]:
        tried.append(list(grammars))
        return [0] * len(grammars)

    monkeypatch.setattr(Trial, "forced", noted)
    tools = [function(f"tool_{at}", {"description": f"number {at}"}) for at in range(20)]

    Grammars(of_the_demo_model()).compiled(request(tools=tools))
    Grammars(of_the_demo_model()).compiled(request(tools=tools, schema=SIMPLE))

    whole, each, with_schema, each_again, schema = tried
    assert all(f"tool_{at}" in grammar for (grammar,) in (whole, with_schema) for at in range(20))
    assert len(each) == 20
    assert each == each_again
    assert len(schema) == 1


def test_what_a_schema_waits_for_its_process_is_not_its_own_time() -> None:
    seconds = 0.05  # in which Python does not even start

    assert Grammars(of_the_demo_model()).compiled(request(schema=SIMPLE), Compiling(seconds))


def test_tools_too_large_together_are_refused_before_any_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(Trial, "forced", lambda _, grammars, seconds: begun.append(grammars))
    tools = [function(f"f{at}", {"description": "x" * 50_000}) for at in range(11)]

    with pytest.raises(InvalidSchema) as refused:
        Grammars(of_the_demo_model()).compiled(request(tools=tools))

    assert "characters" in str(refused.value.details["reason"])
    assert not begun


async def test_a_cancelled_request_s_schema_is_not_compiled_to_its_end(
    own: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "COMPILE_SECONDS", 600)
    began, forced = threading.Event(), Trial.forced

    def told(one: Trial, grammars: Sequence[str], seconds: float) -> list[int] | None:
        began.set()
        return forced(one, grammars, seconds)

    monkeypatch.setattr(Trial, "forced", told)
    given_up = asyncio.create_task(own.ask("hello", priority=HIGH, schema=PATTERNS))
    assert await asyncio.to_thread(began.wait, 60)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)

    assert (await own.ask("hello", priority=HIGH, schema=SIMPLE)).text == '"ab"'


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Processes that are killed as soon as they are to try something: so many more as its only number says."""
    left = [0]
    ready = Trial._ready

    def killed(trial: Trial) -> subprocess.Popen[bytes]:
        child = ready(trial)
        if left[0]:
            left[0] -= 1
            child.kill()
            child.wait()
        return child

    monkeypatch.setattr(Trial, "_ready", killed)
    return left


def test_a_schema_is_not_to_blame_for_what_the_system_does_to_its_process(dying: list[int]) -> None:
    grammars = Grammars(of_the_demo_model())

    dying[0] = 1
    assert grammars.compiled(request(schema={"const": "once"}))
    dying[0] = 2
    with pytest.raises(EngineFailed):
        grammars.compiled(request(schema=SIMPLE))
    assert grammars.compiled(request(schema=SIMPLE))


ENDLESS = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"schema": {"const": "word " * 90_000}}, "response_format"),
        ({"schema": ENDLESS}, "response_format"),
        ({"tools": [function("a", ENDLESS)]}, "tools.0.function.parameters"),
        ({"tools": [function("a", SIMPLE | {"type": "object"}), function("b", ENDLESS)]}, "tools"),
    ],
    ids=["long", "endless", "a tool", "one of two tools"],
)
def test_what_leaves_no_choice_for_too_long_is_refused(members: dict[str, Any], member: str) -> None:
    with pytest.raises(InvalidSchema) as refused:
        Grammars(of_the_demo_model()).compiled(request(**members))

    assert str(refused.value.details["member"]).startswith(member)
    assert "without" in str(refused.value.details["reason"])


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Every process that is started, in turn."""
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def noted(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(child := popen(*arguments, **options))
        return child

    monkeypatch.setattr(subprocess, "Popen", noted)
    return started


async def test_a_person_s_first_grammar_waits_for_no_process(
    tmp_path: Path, random_model: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    bench = Bench(tmp_path, random_model)
    await bench.ask("hello", priority=HIGH, max_tokens=1)
    (ready,) = started
    assert (await bench.ask("hello", priority=HIGH, schema=SIMPLE)).text == '"ab"'
    assert started == [ready]
    bench.engine.close()


async def test_an_idle_engine_holds_nothing_of_its_last_grammars(
    tmp_path: Path, random_model: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    bench = Bench(tmp_path, random_model, rest_seconds=0.01)
    for at, text in enumerate(("ab", "cd")):
        assert (await bench.ask("hello", priority=HIGH, schema={"const": text})).text == f'"{text}"'
        await asyncio.to_thread(started[at].wait, 60)
    bench.engine.close()

    assert len(started) == 3


async def test_no_process_outlives_its_model(
    tmp_path: Path, random_model: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    broken = copied(random_model, tmp_path / "broken")
    (broken / "tokenizer.json").write_text("{}")
    bench = Bench(tmp_path, random_model)
    await bench.load()
    await bench.engine.unload_model()
    assert [each.returncode for each in started] == [-signal.SIGKILL]
    with pytest.raises(ModelNotLoaded):
        await bench.load(broken)
    assert [each.returncode for each in started] == [-signal.SIGKILL] * 2
    await bench.load()
    bench.engine.close()
    await asyncio.to_thread(started[2].wait, 60)
    assert len(started) == 3


LEFT_ALONE = {
    "at work": "threading.Thread(target=trial.forced, args=([ENDLESS], 600)).start()",
    "stopped": "process.suspend()",
}


@pytest.mark.skipif(sys.platform != "linux", reason="only there what a dead parent leaves comes to the test")
@pytest.mark.parametrize("state", LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_the_process_ends_with_its_parent_whatever_it_is_in(state: str) -> None:
    script = (
        "import os, threading, time\n"
        "import psutil\n"
        "from llguidance import LLMatcher\n"
        "from sidecar.worker.trial import Trial\n"
        f"ENDLESS = LLMatcher.grammar_from_json_schema({PATTERNS!r})\n"
        "trial = Trial(())\n"
        "trial.forced(['start: \"a\"'], 60)\n"
        "process = psutil.Process(trial._child.pid)\n"
        "used = process.cpu_times().user\n"
        f"{state}\n"
        "while process.status() != 'stopped' and process.cpu_times().user < used + 0.2: time.sleep(0.01)\n"
        "print(process.pid, flush=True)\n"
        "os._exit(9)"
    )
    with taking_in():
        parent = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
        psutil.Process(int(parent.stdout)).wait(10)


def test_a_process_that_fails_is_not_waited_for() -> None:
    trial = Trial(())

    with pytest.raises(OSError, match="died"):
        trial.forced(['start: "ab"'], "any")  # type: ignore[arg-type]
    assert trial.forced(['start: "ab"'], 60) == [2]


def test_a_process_that_has_tried_nothing_yet_stays(started: list[subprocess.Popen[bytes]]) -> None:
    trials = Trials()
    trials.start()
    trials.rest()
    trials.rest()
    (fresh,) = started
    assert fresh.poll() is None

    with trials.one(gives_way=False) as trial:
        assert trial.forced(['start: "ab"'], 60) == [2]
    del trial  # it ends with the last who holds it
    trials.rest()
    fresh.wait(60)
    assert len(started) == 2


@pytest.mark.parametrize(("priority", "more"), [(HIGH, 0), (LOW, NICE)])
def test_the_batch_s_grammars_leave_the_processor_to_others(priority: RequestPriority, more: int) -> None:
    before = set(psutil.Process().children())
    grammars = Grammars(of_the_demo_model())
    grammars.compiled(request(schema=SIMPLE, priority=priority))

    (trial,) = set(psutil.Process().children()) - before
    assert trial.nice() == min(19, psutil.Process().nice() + more)


def test_nothing_more_is_begun_once_it_is_cancelled() -> None:
    one = Compiling()
    one.cancel()

    with pytest.raises(EngineFailed):
        Grammars(of_the_demo_model()).compiled(request(schema=SIMPLE), one)


async def test_a_picture_is_not_read_behind_a_grammar(own: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    began, held = threading.Event(), threading.Event()

    def slow(*_: object) -> list[int]:
        began.set()
        held.wait(60)
        return [0]

    monkeypatch.setattr(Trial, "forced", slow)
    with_schema = asyncio.create_task(own.ask("hello", priority=HIGH, schema=SIMPLE))
    assert await asyncio.to_thread(began.wait, 60)

    picture = data_url(encoded(circle("red")))
    assert (await own.ask(about(picture), priority=HIGH, max_tokens=4)).end.completion_tokens == 4
    assert not with_schema.done()
    held.set()
    assert (await with_schema).text == '"ab"'
