"""Whose turn it is in the engine."""

from __future__ import annotations

from pathlib import Path

from sidecar.engine.request import GenerationRequest, Job, ModelFolder, RequestPriority
from sidecar.engine.waiting import Waiting

HIGH, LOW = RequestPriority.HIGH, RequestPriority.LOW


def job(name: str, priority: RequestPriority, *, guest: bool = False, model: str = "model") -> Job:
    request = GenerationRequest(request_id=name, messages=[], priority=priority, guest=guest)
    return Job(ModelFolder(Path(model), model), request, [], lambda _: None)


def names(waiting: Waiting, priority: RequestPriority) -> list[str]:
    """Those of the priority, in the order in which they get their turn."""
    turns = []
    while (first := waiting.first(priority)) is not None:
        turns.append(first.request.request_id)
        waiting.remove(turns[-1])
    return turns


def test_other_programs_for_which_a_person_waits_come_after_the_app_itself() -> None:
    waiting = Waiting()
    for name, guest in [("guest", True), ("guest too", True), ("window", False), ("window too", False)]:
        waiting.add(job(name, HIGH, guest=guest))
    assert waiting.counts.high == 4
    assert names(waiting, HIGH) == ["window", "window too", "guest", "guest too"]


def test_work_that_nobody_waits_for_is_done_in_the_order_it_came_whoever_asks() -> None:
    waiting = Waiting()
    for name, guest in [("guest", True), ("window", False), ("guest too", True)]:
        waiting.add(job(name, LOW, guest=guest))
    assert waiting.counts.low == 3
    assert names(waiting, LOW) == ["guest", "window", "guest too"]


def test_another_program_that_was_put_back_comes_first_of_its_own_only() -> None:
    waiting = Waiting()
    waiting.add(job("guest", HIGH, guest=True))
    waiting.put_first(job("guest put back", HIGH, guest=True))
    waiting.add(job("window", HIGH))
    assert names(waiting, HIGH) == ["window", "guest put back", "guest"]


def test_for_one_model_another_programs_request_is_found_behind_the_apps_for_another() -> None:
    waiting = Waiting()
    waiting.add(job("window", HIGH, model="other"))
    waiting.add(job("guest", HIGH, guest=True))
    first = waiting.first(HIGH, ModelFolder(Path("model"), "model"))
    assert first is not None
    assert first.request.request_id == "guest"
