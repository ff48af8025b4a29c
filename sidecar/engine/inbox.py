"""What other threads want of the engine thread."""

from __future__ import annotations

import itertools
import queue
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

Command = Callable[[], None]

AT_ONCE = 100  # commands of the batch, in a turn or at a boundary: some 5 ms


class Inbox:
    """Commands in the order they came, those of people before the others. Urgent ones may run inside the background's
    work, at its boundaries; the others would change the lane whose work that is, and wait until it has come to its
    end."""

    def __init__(self) -> None:
        self._commands: queue.PriorityQueue[tuple[bool, int, bool, Command]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._put_off: deque[Command] = deque()

    def put(self, command: Command, *, urgent: bool = False, for_person: bool = False) -> None:
        """From any thread."""
        self._commands.put((not for_person, next(self._numbers), urgent, command))

    @property
    def has_put_off(self) -> bool:
        return bool(self._put_off)

    def run_all(self) -> None:
        """Runs what is there, beside those that were put off: people's, or `AT_ONCE` of the batch's at most."""
        while self._put_off:
            self._put_off.popleft()()
        for _, run in self._next_few():
            run()

    def run_urgent(self) -> None:
        """Runs what is urgent and there, and puts off the rest; looks at people's, or `AT_ONCE` of the batch's."""
        for urgent, run in self._next_few():
            if urgent:
                run()
            else:
                self._put_off.append(run)

    def wait_urgent(self, done: Future[Any]) -> None:
        """Waits for something urgent or for `done`; runs it, and puts off the rest."""
        done.add_done_callback(lambda _: self.put(lambda: None, urgent=True))
        urgent = False
        while not urgent:
            *_, urgent, run = self._commands.get()
            if urgent:
                run()
            else:
                self._put_off.append(run)

    def wait(self, seconds: float | None) -> bool:
        """Runs the next command, when it comes. False if none came in time."""
        try:
            *_, run = self._commands.get(timeout=seconds)
        except queue.Empty:
            return False
        run()
        return True

    def _next_few(self) -> Iterator[tuple[bool, Command]]:
        """A person's come first, and whoever sent them is served before any of the batch's."""
        person_came = False
        for _ in range(AT_ONCE):
            try:
                command = self._commands.get_nowait()
            except queue.Empty:
                return
            of_batch, _, urgent, run = command
            if of_batch and person_came:
                self._commands.put(command)  # in its old place
                return
            person_came = not of_batch
            yield urgent, run
