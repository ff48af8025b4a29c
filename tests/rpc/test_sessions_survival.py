"""Kept chats over kills, a database that is locked, and an orderly end: what was told is not lost.

`KILLS=50` kills fifty times; a run of all tests does it less often, by several sidecars beside each other."""

import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.pipe import Json, Pipe
from tests.provider import Provider, replies
from tests.rpc.chatting import (
    SLOW,
    Served,
    ask,
    begun,
    counting,
    ended,
    messages,
    next_delta,
    served,
    text_of,
    text_part,
    texts,
    word,
)

KILLS = int(os.environ.get("KILLS", "20"))
SIDECARS = 4
"""That live and are killed beside each other, each on its own data."""
AT_ONCE = 4
LOST_SECONDS = 1.0
"""At most of an answer's end, in a kill."""
COUNTED = "".join(word(number) for number in range(5000))


class TimedPipe(Pipe):
    """Notes when each piece of an answer came."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.pieces: list[tuple[float, str, str]] = []
        super().__init__(*arguments, **options)

    def _received(self, line: bytes) -> None:
        with self._changed:  # nobody takes it before it is noted
            super()._received(line)
            message: Json = self._messages[-1]
            if message.get("method") == "sessions/event" and message["params"]["event"]["type"] == "delta":
                piece = (time.monotonic(), message["params"]["messageId"], message["params"]["event"]["text"])
                self.pieces.append(piece)
                self._changed.notify_all()

    def wait_until_told_of(self, answers: Iterable[str], seconds: float) -> None:
        """Until pieces of each answer came for so long."""

        def lasts(answer: str) -> bool:
            moments = [at for at, of, _ in self.pieces if of == answer]
            return bool(moments) and moments[-1] - moments[0] >= seconds

        with self._changed:
            assert self._changed.wait_for(lambda: all(map(lasts, answers)), 60)

    def told_until(self, moment: float, answer: str) -> str:
        """What was told of an answer until then."""
        return "".join(text for at, of, text in self.pieces if of == answer and at <= moment)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        provider.will(counting())
        yield provider


@pytest.mark.timeout(60 + 8 * KILLS)
def test_a_kill_while_four_answers_stream_loses_a_second_at_most_and_leaves_no_half_row(
    provider: Provider, tmp_path: Path
) -> None:
    kills = [KILLS // SIDECARS + (number < KILLS % SIDECARS) for number in range(SIDECARS)]
    # As installed, also where this shell asks Python to keep no byte code: or each start would compile it all.
    environment = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path / "byte code")}
    with ThreadPoolExecutor(SIDECARS) as threads:
        for survived in [
            threads.submit(survive, provider, tmp_path / f"data {number}", environment, random.Random(number), count)
            for number, count in enumerate(kills)
        ]:
            survived.result()


def survive(provider: Provider, data_dir: Path, environment: dict[str, str], rng: random.Random, kills: int) -> None:
    """Kills so many sidecars, one after the other, on the same data."""
    model = ""
    expected: dict[str, tuple[str, str]] = {}  # by chat: its answer, and what had been told of it a second before
    asking = ""
    for _ in range(kills):
        with TimedPipe.sidecar(data_dir, env=environment) as pipe:
            pipe.initialize()
            check(pipe, expected, asking)
            expected = {}
            model = model or served(pipe, provider).model
            chats = [begun(pipe) for _ in range(AT_ONCE)]
            answers = {chat: ask(pipe, chat, "Count", model)["answer"]["id"] for chat in chats}
            pipe.wait_until_told_of(answers.values(), LOST_SECONDS + rng.uniform(0.1, 1.5))
            asking = begun(pipe)
            pipe.send("sessions/send", {"sessionId": asking, "parts": [text_part("Count")], "model": model})
            killed = time.monotonic()
            pipe.process.kill()
            pipe.wait_for_end()
            for chat, answer in answers.items():
                expected[chat] = answer, pipe.told_until(killed - LOST_SECONDS, answer)
                assert expected[chat][1], "it streamed for too short a time to lose anything"
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        check(pipe, expected, asking)
        found = pipe.request("sessions/list", {"search": "count", "limit": 200})["sessions"]
        assert kills * AT_ONCE <= len(found) <= kills * (AT_ONCE + 1)
    assert not list(data_dir.glob("copies/damaged-*"))


def check(pipe: Pipe, expected: dict[str, tuple[str, str]], asking: str) -> None:
    """Of each chat that streamed nothing old is lost; that in which somebody just asked has the turn or has it not."""
    for chat, (answer_id, old) in expected.items():
        question, answer = messages(pipe, chat)
        assert (text_of(question), question["state"]) == ("Count", "complete")
        assert (answer["id"], answer["state"], answer["kind"]) == (answer_id, "interrupted", "sidecar_restarted")
        kept = text_of(answer)
        assert kept.startswith(old), f"{len(old) - len(kept)} characters lost"
        assert COUNTED.startswith(kept)
    if asking:
        assert [message["role"] for message in messages(pipe, asking)] in ([], ["user", "assistant"])


def test_who_leaves_in_order_loses_nothing_and_the_answer_goes_on_at_the_next_start(
    provider: Provider, data_dir: Path
) -> None:
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        one = served(pipe, provider)
        chat = begun(pipe)
        answer = ask(pipe, chat, "Count", one.model)["answer"]
        for _ in range(10):
            next_delta(pipe, answer)
        pipe.close_stdin()
        assert pipe.exit_code(timeout=5) == 0
        pipe.wait_for_end()
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        kept = messages(pipe, chat)[1]
        assert (kept["state"], kept["kind"]) == ("interrupted", "sidecar_restarted")
        before = text_of(kept)
        assert len(before.split()) >= 10
        provider.will(replies.chat("and", " so on"))
        pipe.request("sessions/continue", {"sessionId": chat, "messageId": answer["id"], "model": one.model})
        assert text_of(ended(pipe, answer)) == before + "and so on"


def kill_in_the_midst(pipe: Pipe, answer: Json) -> None:
    """When the answer has some words that are written."""
    for _ in range(60):  # for more than the time between two writes
        next_delta(pipe, answer)
    pipe.process.kill()
    pipe.wait_for_end()


def test_an_answer_that_a_crash_cut_off_goes_on_by_itself_once_and_then_by_a_person(
    provider: Provider, data_dir: Path
) -> None:
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        pipe.request("capabilities/assign", {"capability": "text", "modelId": served(pipe, provider).model})
        chat = begun(pipe)
        answer = ask(pipe, chat, "Count")["answer"]
        kill_in_the_midst(pipe, answer)
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        kept = messages(pipe, chat)[1]
        assert (kept["state"], kept["kind"]) == ("interrupted", "sidecar_restarted")
        pipe.request("sessions/resume")
        going_on = messages(pipe, chat)[1]
        assert (going_on["id"], going_on["state"], going_on["kind"]) == (answer["id"], "streaming", None)
        next_delta(pipe, answer)
        assert provider.bodies[-1]["messages"][-1] == {"role": "assistant", "content": text_of(kept)}
        pipe.request("sessions/resume")  # there is nothing more to it
        kill_in_the_midst(pipe, answer)
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        pipe.request("sessions/resume")
        kept = messages(pipe, chat)[1]
        assert (kept["state"], kept["kind"]) == ("interrupted", "sidecar_restarted")
        provider.will(replies.chat("and", " so on"))
        pipe.request("sessions/continue", {"sessionId": chat, "messageId": answer["id"]})
        assert text_of(ended(pipe, answer)) == text_of(kept) + "and so on"


def test_an_answer_of_an_engine_that_hung_goes_on_with_the_next_process(data_dir: Path, catalog: Path) -> None:
    with Pipe.sidecar(data_dir, catalog, module="tests.rpc.hanging") as pipe:
        pipe.initialize()
        pipe.request("models/download")
        pipe.notification("builtin-model-download-completed")
        chat = begun(pipe)
        answer = ask(pipe, chat, "Hello")["answer"]
        assert pipe.exit_code(timeout=SLOW) == 70
        pipe.wait_for_end()
    with Pipe.sidecar(data_dir, catalog) as pipe:
        pipe.initialize()
        kept = messages(pipe, chat)[1]
        assert (kept["state"], kept["kind"]) == ("interrupted", "sidecar_restarted")
        pipe.request("sessions/resume")
        whole = ended(pipe, answer)
        assert (whole["state"], text_of(whole) != "") == ("complete", True)


def test_what_cannot_go_on_and_what_was_broken_off_in_order_waits_for_a_person(
    provider: Provider, data_dir: Path
) -> None:
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        model = served(pipe, provider).model
        pipe.request("capabilities/assign", {"capability": "text", "modelId": model})
        chat = begun(pipe)
        kill_in_the_midst(pipe, ask(pipe, chat, "Count")["answer"])
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        pipe.request("providers/delete", {"providerId": pipe.request("providers/list")["providers"][1]["id"]})
        pipe.request("sessions/resume")  # the built-in model is not here
        assert messages(pipe, chat)[1]["state"] == "interrupted"
        model = served(pipe, provider).model
        pipe.request("capabilities/assign", {"capability": "text", "modelId": model})
        left = ask(pipe, begun(pipe), "Count")["answer"]
        next_delta(pipe, left)
        pipe.close_stdin()
        assert pipe.exit_code(timeout=5) == 0
        pipe.wait_for_end()
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        pipe.request("sessions/resume")
        states = [messages(pipe, each)[1]["state"] for each in (chat, left["sessionId"])]
        assert states == ["interrupted", "interrupted"]


@pytest.fixture
def one(provider: Provider, data_dir: Path) -> Iterator[Served]:
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        yield served(pipe, provider)


def locked(data_dir: Path) -> sqlite3.Connection:
    """Another program that writes to the database, and does not come to an end."""
    other = sqlite3.connect(data_dir / "knowledge-focus.db", isolation_level=None, timeout=30)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_while_the_database_is_locked_an_answer_goes_on_and_is_written_when_that_can_be(
    one: Served, data_dir: Path
) -> None:
    gate = threading.Event()
    one.provider.will(replies.chat("First", " second", " third", gate=gate))
    chat = begun(one.pipe)
    answer = ask(one.pipe, chat, "Well?", one.model)["answer"]
    next_delta(one.pipe, answer)
    other = locked(data_dir)
    gate.set()
    assert [next_delta(one.pipe, answer)["text"] for _ in range(2)] == [" second", " third"]
    one.provider.wait_until(lambda: one.provider.log[-1].done)
    other.execute("ROLLBACK")
    other.close()
    assert ended(one.pipe, answer)["state"] == "complete"
    assert texts(one.pipe, chat) == ["Well?", "First second third"]


def test_an_answer_whose_end_cannot_be_written_is_interrupted_and_the_chat_goes_on_later(
    one: Served, data_dir: Path
) -> None:
    gate = threading.Event()
    one.provider.will(replies.chat("First", " second", gate=gate))
    chat = begun(one.pipe)
    answer = ask(one.pipe, chat, "Well?", one.model)["answer"]
    next_delta(one.pipe, answer)
    other = locked(data_dir)
    gate.set()
    broken = ended(one.pipe, answer)
    assert (broken["state"], broken["kind"], text_of(broken)) == ("interrupted", "store_failed", "First second")
    other.execute("ROLLBACK")
    other.close()
    kept = messages(one.pipe, chat)[1]
    assert (kept["state"], kept["kind"]) == ("interrupted", "store_failed")
    one.provider.will(replies.chat("Yes."))
    ended(one.pipe, ask(one.pipe, chat, "And?", one.model)["answer"])
    assert texts(one.pipe, chat)[-2:] == ["And?", "Yes."]
