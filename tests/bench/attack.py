"""What it costs the person when programs of this computer attack the proxy in every way at once."""

from __future__ import annotations

import json
import queue
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.bench.answer import Answer
from tests.bench.arrivals import arrive, sent_to_step_ms, warm
from tests.bench.attackers import ATTACKS
from tests.bench.figure import Figure, p99
from tests.bench.goal import Goal
from tests.bench.setting import Setting
from tests.bench.shell import Shell, real_sidecar, running
from tests.pipe import ROOT
from tests.proxy.serving import lines

ARRIVALS = 60
BLOCK = 10  # of them; then it is seen whether every attacker has done enough
SECONDS = 90.0  # for all attackers
NICE = 19
"""An attacker that computes takes a processor from others without any proxy: what it computes itself gives way, and
what is measured is what it makes the proxy do."""
FIGURES = {"queue_wait_p99_attacked": "ms", "ttft_p99_attacked_over_quiet": "", "shell_growth_attacked": "MB"}


@dataclass
class Attackers:
    """Programs at work, each in its own way. `effects` says what came of it once they have gone."""

    said: dict[str, queue.Queue[str]]
    effects: str = ""
    _not_enough: list[str] = field(default_factory=lambda: list(ATTACKS))

    def wait_until_they_have_begun(self) -> None:
        deadline = time.monotonic() + SECONDS
        for name, said in self.said.items():
            try:
                begun = said.get(timeout=max(0, deadline - time.monotonic())) == "begun"
            except queue.Empty:
                begun = False
            if not begun:
                raise RuntimeError(f"{name}: no effect in {SECONDS} s")

    def not_enough(self) -> list[str]:
        """Those that have not done yet what they are counted for."""
        self._not_enough = [name for name in self._not_enough if self.said[name].empty()]
        return self._not_enough


def figures(setting: Setting, program: Path) -> Iterator[Figure]:
    """The window's own requests, past the proxy, without anybody else and under attack; and what the shell's process
    has grown by when the attackers have gone and it has let go of their connections."""
    rng = random.Random(6)
    data_dir = setting.scratch / "attacked"
    with running(program, data_dir, real_sidecar(setting, data_dir)) as shell:
        warm(shell, rng)
        quiet = arrive(shell, setting.rounds(ARRIVALS), rng)
        process = psutil.Process(shell.process.pid)
        files, before = process.num_fds(), process.memory_info().rss
        with attacking(shell) as attackers:
            attackers.wait_until_they_have_begun()
            attacked = _arrive_under(attackers, setting, shell, rng)
        _wait_for_files(process, files)
        growth = process.memory_info().rss - before
        peak = _peak(process)
    note = f"{len(attacked)} arrivals of the window's; {attackers.effects}"
    waits = [sent_to_step_ms(answer) for answer in attacked]
    yield Figure("queue_wait_p99_attacked", p99(waits), "ms", goals=(Goal("<", 100),), note=note)
    ratio = p99([answer.ttft for answer in attacked]) / p99([answer.ttft for answer in quiet])
    yield Figure("ttft_p99_attacked_over_quiet", ratio, "")
    note = f"from {before / 1e6:.1f}{peak}"
    yield Figure("shell_growth_attacked", growth / 1e6, "MB", goals=(Goal("<=", 10),), note=note)


@contextmanager
def attacking(shell: Shell) -> Iterator[Attackers]:
    """All of `ATTACKS` at once, each by a process of its own."""
    with ExitStack() as stack:
        attackers = {name: stack.enter_context(_attacker(name, shell)) for name in ATTACKS}
        at_work = Attackers({name: lines(process) for name, process in attackers.items()})
        yield at_work
        for process in attackers.values():
            assert process.stdin is not None
            process.stdin.close()
        at_work.effects = "; ".join(f"{name}: {_last(said)}" for name, said in at_work.said.items())


@contextmanager
def _attacker(name: str, shell: Shell) -> Iterator[subprocess.Popen[str]]:
    command = ["nice", "-n", str(NICE), sys.executable, "-m", "tests.bench.attackers", name, str(shell.port)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write(f"{shell.token}\n")
        process.stdin.flush()
        try:
            yield process
        finally:
            process.kill()


def _arrive_under(attackers: Attackers, setting: Setting, shell: Shell, rng: random.Random) -> list[Answer]:
    """Until there are enough arrivals, and each attacker has done enough, too."""
    answers: list[Answer] = []
    deadline = time.monotonic() + SECONDS
    while len(answers) < setting.rounds(ARRIVALS) or (attackers.not_enough() and not setting.quick):
        if time.monotonic() > deadline:
            raise RuntimeError(f"not at work in {SECONDS} s: {', '.join(attackers.not_enough())}")
        answers += arrive(shell, min(BLOCK, setting.rounds(ARRIVALS)), rng)
    return answers


def _last(said: queue.Queue[str]) -> str:
    """What an attacker says in the end: how often each effect came."""
    while (line := said.get(timeout=SECONDS)) == "enough":
        pass
    return ", ".join(f"{effect} × {times}" for effect, times in sorted(json.loads(line).items()))


def _peak(process: psutil.Process) -> str:
    """How much memory it had at most, where the system says that."""
    status = Path(f"/proc/{process.pid}/status")
    told = status.read_text().splitlines() if status.exists() else []
    return "".join(f", at most {1.024e-3 * int(line.split()[1]):.1f}" for line in told if line.startswith("VmHWM:"))


def _wait_for_files(process: psutil.Process, most: int) -> None:
    """Until no connection is left of those that attacked."""
    deadline = time.monotonic() + SECONDS
    while (files := process.num_fds()) > most:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{files - most} connections are still there after {SECONDS} s")
        time.sleep(0.05)
