"""The process that tries grammars: it compiles one after the other, measures the text without a choice that its answers
begin with, and dies of what takes too long."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading

from llguidance import LLMatcher, LLTokenizer
from llguidance._tokenizer import TokenizerWrapper

from sidecar.parent import go_on_when_it_dies
from sidecar.worker import frames, limits

# Times as long as it may compute: a nice process has a tenth of a busy computer, or less.
WAITS, WAITS_WHEN_NICE = 10, 30
STACK_BYTES = 4 << 20  # half of what the parent's threads have: what fits here does not overflow there


class _Bytes:
    """A tokenizer of single bytes, and of those tokens that grammars name."""

    def __init__(self, special: list[str]) -> None:
        self.tokens = [bytes([each]) for each in range(256)] + [each.encode() for each in (*special, "<end>")]
        self.special_token_ids = list(range(256, len(self.tokens)))
        self.eos_token_id = len(self.tokens) - 1
        self.bos_token_id = None

    def __call__(self, text: bytes) -> list[int]:
        return list(text)


def main(memory_bytes: int, nice: int, special: list[str]) -> None:
    os.nice(nice)
    waits = WAITS_WHEN_NICE if nice else WAITS
    for ending in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(ending, signal.SIG_DFL)  # which ends the process, whatever it is in
    grammars, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limits.limit(memory_bytes)
    tokenizer = LLTokenizer(TokenizerWrapper(_Bytes(special)))
    received: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def serve() -> None:
        answer = b""  # ready
        try:
            while True:
                frames.write_frame(answers, answer)
                answers.flush()
                seconds, tried = json.loads(received.get())
                # Computing counts, not what a busy computer leaves it; what waits for ever ends, too.
                signal.setitimer(signal.ITIMER_PROF, seconds)
                signal.setitimer(signal.ITIMER_REAL, waits * seconds)
                with limits.watched(memory_bytes):
                    forced = [len(LLMatcher(tokenizer, each, log_level=0).compute_ff_bytes()) for each in tried]
                for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
                    signal.setitimer(timer, 0)
                answer = json.dumps(forced).encode()
        except MemoryError:
            os._exit(limits.EXIT_TOO_MUCH_MEMORY)
        finally:
            os._exit(1)  # whatever it was: who waits for the answer must hear of it

    threading.stack_size(STACK_BYTES)
    threading.Thread(target=serve, daemon=True).start()
    # Beside it, so that the parent's death ends us in the middle of a grammar, too.
    go_on_when_it_dies()
    try:
        while True:
            received.put(frames.read_frame(grammars))
    except (EOFError, OSError):
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
