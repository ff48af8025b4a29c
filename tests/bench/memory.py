"""How much memory the engine takes at its fullest, by MLX's own count."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.bench.figure import Figure
from tests.bench.goal import Goal
from tests.bench.prompts import picture_prompt
from tests.bench.setting import BUDGET_GB, Setting

SIDE = 1024  # pixels of the picture: 1,024 tokens
TEMPLATE = 40  # tokens that the chat template adds, rounded up
ANSWER = 16
GB = 1e9  # bytes
GOALS = {"4k": 3.4, "2k": 3.15}  # GB, of the 4B model on CUDA; elsewhere its own budget


def run(setting: Setting) -> Iterator[Figure]:
    """`peak_gb` of one request that fills a context of 4,096 tokens, a picture of 1024² among them, in a fresh process;
    and of 2,048 tokens."""
    contexts = {"2k": 2048} if setting.quick else {"4k": 4096, "2k": 2048}
    for name, context in contexts.items():
        with setting.sidecar() as client:
            words = context - SIDE * SIDE // 1024 - TEMPLATE - ANSWER
            answer = client.chat(picture_prompt(SIDE, words, random.Random(8)), max_tokens=ANSWER)
            total = answer.result()["usage"]["total_tokens"]
            status = client.status()
        note = f"{total} tokens, budget {status['budgetBytes'] / GB:.3g} GB"
        goals = (
            Goal("<=", GOALS[name], device="cuda", geometry="4b"),
            Goal("<=", BUDGET_GB, device="cpu", geometry="mini"),
        )
        yield Figure(f"peak_gb_{name}", status["peakBytes"] / GB, "GB", goals=goals, note=note)
        yield Figure(f"estimate_over_measured_{name}", status["estimatedPeakBytes"] / status["peakBytes"], "")
