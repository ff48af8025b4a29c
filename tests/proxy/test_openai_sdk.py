"""OpenAI's own Python client, as people use it, against the proxy and the real engine."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from enum import Enum
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from PIL import Image
from pydantic import BaseModel

from tests.proxy.serving import SECONDS, Served
from tests.rpc.asking import MODEL

HELLO: Any = [{"role": "user", "content": "hello"}]
BRIEF: dict[str, Any] = {"messages": HELLO, "model": MODEL, "max_tokens": 8, "seed": 1}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 5}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Tag(BaseModel):
    colour: Colour


def picture() -> str:
    """A `data:` URL."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def seeing(url: str) -> Any:
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    return [{"role": "user", "content": parts}]


def test_a_chat_is_answered_and_the_models_are_listed(client: OpenAI) -> None:
    answer = client.chat.completions.create(**BRIEF)
    assert answer.model == MODEL
    assert answer.choices[0].message.role == "assistant"
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens <= 8
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).id == MODEL


def test_a_streamed_answer_is_the_same_as_the_whole_one(client: OpenAI) -> None:
    whole = client.chat.completions.create(**BRIEF)
    with client.chat.completions.create(**BRIEF, stream=True, stream_options={"include_usage": True}) as stream:
        *chunks, last = stream
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert last.usage == whole.usage


def test_a_tool_is_called_with_arguments_that_validate(client: OpenAI) -> None:
    asked = {**BRIEF, "max_tokens": 300, "tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": False}
    [call] = client.chat.completions.create(**asked).choices[0].message.tool_calls or []
    assert call.type == "function"
    assert set(json.loads(call.function.arguments)) == {"city"}
    with client.chat.completions.stream(**asked) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.tool_calls is not None
    assert message.tool_calls[0].function.name == "weather"


def test_a_structured_answer_is_an_object_of_the_callers_class(client: OpenAI) -> None:
    asked = {**BRIEF, "max_tokens": 100}
    parsed = client.chat.completions.parse(**asked, response_format=Tag).choices[0].message.parsed
    assert isinstance(parsed, Tag)


def test_a_picture_is_a_data_url_and_nothing_else(client: OpenAI) -> None:
    seen = client.chat.completions.create(**{**BRIEF, "messages": seeing(picture())})
    assert seen.usage is not None
    assert seen.usage.prompt_tokens > 4
    for url in ("https://example.com/a.png", "attachment:" + "0" * 64, "file:///etc/passwd"):
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(**{**BRIEF, "messages": seeing(url)})
        assert caught.value.code == "invalid_image"


def test_the_priority_is_said_in_the_address(client: OpenAI) -> None:
    answer = client.chat.completions.create(**BRIEF, extra_query={"priority": "1"})
    assert answer.choices
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**BRIEF, extra_query={"priority": "2"})
    assert caught.value.param == "priority"


def test_members_without_effect_are_accepted_and_others_refused_by_name(client: OpenAI) -> None:
    assert client.chat.completions.create(**BRIEF, user="me", store=False, metadata={"a": "b"}).choices
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**BRIEF, verbosity="high")
    assert (caught.value.param, caught.value.type) == ("verbosity", "invalid_request_error")


def test_errors_are_those_that_the_client_has_classes_for(client: OpenAI, served: Served) -> None:
    with pytest.raises(openai.NotFoundError) as not_found:
        client.chat.completions.create(**{**BRIEF, "model": "gpt-5"})
    assert not_found.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model=MODEL, input="hello")
    with (
        OpenAI(base_url=served.url, api_key="kf-wrong", max_retries=0) as other,
        pytest.raises(openai.AuthenticationError) as denied,
    ):
        other.chat.completions.create(**BRIEF)
    assert denied.value.code == "invalid_api_key"
    long = [{"role": "user", "content": "word " * 2_000_000}]
    with pytest.raises(openai.BadRequestError) as too_long:
        client.chat.completions.create(**{**BRIEF, "messages": long})
    assert too_long.value.code == "context_length_exceeded"


def test_a_client_that_runs_out_of_time_has_its_request_cancelled(client: OpenAI, model_data: Path) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.5).chat.completions.create(**{**BRIEF, "max_tokens": 100_000})
    # Its cancel goes before the next request, as the pipe keeps the order.
    assert client.chat.completions.create(**BRIEF).choices
    assert "Request cancelled" in "".join(log.read_text() for log in (model_data / "logs").glob("sidecar*"))


async def test_thirty_two_at_once_are_all_answered(served: Served) -> None:
    async with AsyncOpenAI(base_url=served.url, api_key=served.token, max_retries=0, timeout=SECONDS) as client:
        answers = await asyncio.gather(
            *(client.chat.completions.create(**BRIEF | {"seed": number}) for number in range(32))
        )
    assert all(answer.choices[0].finish_reason in ("stop", "length") for answer in answers)
