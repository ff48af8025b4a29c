"""What other threads want of the engine thread."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

Command = Callable[[], None]


class Inbox:
    """Commands in the order they came. Urgent ones may run inside the background's work, at its boundaries; the others
    would change the lane whose work that is, and wait until it has come to its end."""

    def __init__(self) -> None:
        self._commands: queue.SimpleQueue[tuple[bool, Command]] = queue.SimpleQueue()
        self._put_off: deque[Command] = deque()

    def put(self, command: Command, *, urgent: bool = False) -> None:
        """From any thread."""
        self._commands.put((urgent, command))

    @property
    def has_put_off(self) -> bool:
        return bool(self._put_off)

    def run_all(self) -> None:
        """Runs what is there."""
        while self._put_off:
            self._put_off.popleft()()
        while (command := self._next()) is not None:
            command[1]()

    def run_urgent(self) -> None:
        """Runs what is urgent and there, and puts off the rest."""
        while (command := self._next()) is not None:
            urgent, run = command
            if urgent:
                run()
            else:
                self._put_off.append(run)

    def wait_urgent(self, done: Future[Any]) -> None:
        """Waits for something urgent or for `done`; runs it, and puts off the rest."""
        done.add_done_callback(lambda _: self.put(lambda: None, urgent=True))
        urgent = False
        while not urgent:
            urgent, run = self._commands.get()
            if urgent:
                run()
            else:
                self._put_off.append(run)

    def wait(self, seconds: float | None) -> bool:
        """Runs the next command, when it comes. False if none came in time."""
        try:
            _, run = self._commands.get(timeout=seconds)
        except queue.Empty:
            return False
        run()
        return True

    def _next(self) -> tuple[bool, Command] | None:
        try:
            return self._commands.get_nowait()
        except queue.Empty:
            return None
