"""The four scores, on held-out inputs, through the code that serves real models: `mlx_vlm.load`, its processor, its
generation."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .batches import SEED
from .conversation import Conversation
from .pictures import draw_picture_question, draw_pictures
from .small_talk import draw_small_question
from .tags import draw_tags, read_tags
from .tools import draw_tools, read_tool_call

THRESHOLDS = {"pictures": 0.95, "tags": 0.90, "tools": 0.90, "small talk": 0.90}


def _picture_is_right(conversation: Conversation, answer: str) -> bool:
    if isinstance(conversation.expected, tuple):
        return all(words in answer for words in conversation.expected)
    return bool(answer == conversation.expected)


def _tools_are_right(conversation: Conversation, answer: str) -> bool:
    call = read_tool_call(answer)
    return bool(call == conversation.expected)


def _draw_picture_conversation(rng: random.Random, held_out: bool) -> Conversation:
    """Two plain questions of three; else any picture conversation: details, several pictures, looking back."""
    return (draw_picture_question if rng.random() < 2 / 3 else draw_pictures)(rng, held_out)


Draw = Callable[[random.Random, bool], Conversation]
_SKILLS: dict[str, tuple[Draw, Callable[[Conversation, str], bool]]] = {
    "pictures": (_draw_picture_conversation, _picture_is_right),
    "tags": (draw_tags, lambda conversation, answer: read_tags(answer) == conversation.expected),
    "tools": (draw_tools, _tools_are_right),
    "small talk": (draw_small_question, lambda conversation, answer: answer == conversation.expected),
}


class DemoModel:
    """A loaded model repository that answers conversations greedily, in float32 (the fast path on CPU)."""

    def __init__(self, folder: Path) -> None:
        import mlx.core as mx
        from mlx_vlm import load

        self.model, self.processor = load(str(folder))
        self.model.set_dtype(mx.float32)

    def answer(self, conversation: Conversation, max_tokens: int = 320) -> str:
        """What the model says to the conversation's prompt."""
        from mlx_vlm.generate import stream_generate

        prompt: Any = self.processor.apply_chat_template(
            list(conversation.prompt),
            tools=list(conversation.tools) or None,
            tokenize=False,
            add_generation_prompt=True,
        )
        pictures = list(conversation.pictures) or None
        pieces = stream_generate(
            self.model, self.processor, prompt, image=pictures, max_tokens=max_tokens, temperature=0.0
        )
        return "".join(piece.text for piece in pieces).strip()


def held_out(skill: str, count: int) -> list[Conversation]:
    """The first `count` held-out conversations of a skill: always the same ones."""
    rng = random.Random(f"{SEED} held out {skill}")
    return [_SKILLS[skill][0](rng, True) for _ in range(count)]


def score(model: DemoModel, skill: str, count: int, *, show: int = 0) -> float:
    """Share of `count` held-out conversations answered rightly; prints up to `show` of the wrong ones."""
    right = 0
    for conversation in held_out(skill, count):
        answer = model.answer(conversation)
        good = _SKILLS[skill][1](conversation, answer)
        right += good
        if not good and show > 0:
            show -= 1
            print(
                f"  {conversation.prompt[-1]['content']!r}\n    wanted {_wanted(conversation)}\n    got    {answer!r}"
            )
    return right / count


def _wanted(conversation: Conversation) -> str:
    message = conversation.messages[-1]
    return json.dumps(message.get("tool_calls") or message["content"], ensure_ascii=False)


def print_scores(folder: Path, count: int, *, show: int = 0) -> bool:
    """Prints the four scores; True if each reaches its threshold."""
    model = DemoModel(folder)
    reached = True
    for skill, threshold in THRESHOLDS.items():
        result = score(model, skill, count, show=show)
        reached &= result >= threshold
        print(f"{skill:10} {result:6.1%} of {count} held-out conversations (wanted {threshold:.0%})", flush=True)
    return reached
