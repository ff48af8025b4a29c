"""In which order the engine thread hears what other threads want of it."""

from functools import partial

from sidecar.engine.inbox import AT_ONCE, Inbox


def test_who_waits_for_a_person_is_not_held_up_by_the_batchs_commands() -> None:
    inbox, run = Inbox(), list[str]()
    for number in range(3):
        inbox.put(partial(run.append, f"batch {number}"), urgent=True)
    for number in range(2):
        inbox.put(partial(run.append, f"person {number}"), urgent=True, for_person=True)
    inbox.run_urgent()
    assert run == ["person 0", "person 1"]
    inbox.put(partial(run.append, "person 2"), urgent=True, for_person=True)
    inbox.run_all()
    assert run[2:] == ["person 2"]
    inbox.run_all()
    assert run[3:] == ["batch 0", "batch 1", "batch 2"]


def test_a_thousand_of_the_batchs_are_heard_a_few_at_a_time() -> None:
    inbox, run = Inbox(), list[int]()
    for number in range(2 * AT_ONCE + 1):
        inbox.put(partial(run.append, number), urgent=True)
    inbox.run_urgent()
    assert run == [*range(AT_ONCE)]
    inbox.run_all()
    inbox.run_all()
    assert run == [*range(2 * AT_ONCE + 1)]


def test_what_is_not_urgent_waits_for_the_end_of_the_step() -> None:
    inbox, run = Inbox(), list[str]()
    inbox.put(partial(run.append, "later"))
    inbox.put(partial(run.append, "at once"), urgent=True)
    inbox.run_urgent()
    assert run == ["at once"]
    assert inbox.has_put_off
    inbox.run_all()
    assert run == ["at once", "later"]
