"""The demo model's scores on held-out inputs: through the sidecar with everything on, against bare generation."""

from __future__ import annotations

import base64
import io
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol, cast

from PIL import Image

from tests.bench.client import Client
from tests.bench.figure import Figure, Peer, skipped
from tests.bench.goal import Goal
from tests.bench.load import Saturation
from tests.bench.prompts import text_prompt
from tests.bench.reference import Reference
from tests.bench.repository import Repository
from tests.bench.setting import Setting
from tests.demo_model import evaluation
from tests.demo_model.conversation import Conversation
from tests.pipe import ROOT, Json, RpcError

GEOMETRY = "demo model"  # whatever was asked for
COUNT = 100  # conversations for each score
MAX_TOKENS = 320
_MODEL = ROOT / "tests" / "demo_model" / "model"
_TAGS: Json = {
    "type": "object",
    "properties": {"tags": {"type": "array", "items": {"type": "string"}}},
    "required": ["tags"],
    "additionalProperties": False,
}


def run(setting: Setting) -> Iterator[Figure]:
    """Percent of held-out conversations answered rightly, for each skill, every other one in the background. All meet a
    background that never rests; answers asked for as an object of tags are held to its schema, calls to their tools.
    The geometry does not count: it is the demo model."""
    repository = Repository.at(_MODEL, "qwen3-vl-demo", setting.scratch / "demo.json")
    count = setting.rounds(COUNT)
    with setting.sidecar(repository) as client, Reference.loaded(_MODEL) as reference:
        with Saturation(client, [lambda rng: text_prompt(60, rng)] * 4, 64, 10) as low:
            low.wait_until_it_runs()
            served = {skill: _score(_Served(client), skill, count) for skill in evaluation.THRESHOLDS}
            low.arrivals()  # raises if it ended in the meantime
        for skill, score in served.items():
            metric = f"score_{skill.replace(' ', '_')}"
            if isinstance(score, str):
                yield replace(skipped(metric, "%", score), geometry=GEOMETRY)
            else:
                bare = _score(_Bare(reference), skill, count)
                assert not isinstance(bare, str)
                peer, goals = Peer("stream_generate", bare), (Goal(">=", -1, "points"),)
                yield Figure(metric, score, "%", peer, goals, geometry=GEOMETRY)


class _Model(Protocol):
    def answer(self, conversation: Conversation, max_tokens: int = MAX_TOKENS) -> str: ...


def _score(model: _Model, skill: str, count: int) -> float | str:
    """Percent, or why the sidecar does not take such requests."""
    try:
        return 100 * evaluation.score(cast(evaluation.DemoModel, model), skill, count)
    except RpcError as error:
        return str(error)


class _Served:
    """The demo model as the sidecar answers for it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._priorities = itertools.cycle((1, 10))

    def answer(self, conversation: Conversation, max_tokens: int = MAX_TOKENS) -> str:
        members: Json = {"priority": next(self._priorities)}
        if conversation.tools:
            members["tools"] = list(conversation.tools)
        if conversation.skill == "tags" and str(conversation.messages[-1]["content"]).startswith("{"):
            members["response_format"] = {"type": "json_schema", "json_schema": {"name": "tags", "schema": _TAGS}}
        result = self._client.chat(_messages(conversation), max_tokens=max_tokens, **members).result()
        message = result["choices"][0]["message"]
        calls = [_as_text(call["function"]) for call in message.get("tool_calls") or []]
        return "\n".join([message.get("content") or "", *calls]).strip()


class _Bare:
    """The demo model as mlx-vlm answers for it."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference

    def answer(self, conversation: Conversation, max_tokens: int = MAX_TOKENS) -> str:
        tools = list(conversation.tools) or None
        reply = self._reference.order("stream", messages=_messages(conversation), max_tokens=max_tokens, tools=tools)
        text: str = reply["text"]
        return text.strip()


def _messages(conversation: Conversation) -> list[Json]:
    """The prompt with its pictures in their places, lossless."""
    pictures = iter(conversation.pictures)

    def shown(part: Json) -> Json:
        return {"type": "image_url", "image_url": {"url": _url(next(pictures))}} if part["type"] == "image" else part

    return [
        {**message, "content": [shown(part) for part in message["content"]]}
        if isinstance(message["content"], list)
        else message
        for message in conversation.prompt
    ]


def _url(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _as_text(function: Json) -> str:
    """A tool call as the model writes it: the scores read it so."""
    call = {"name": function["name"], "arguments": json.loads(function["arguments"])}
    return f"<tool_call>\n{json.dumps(call, ensure_ascii=False)}\n</tool_call>"
