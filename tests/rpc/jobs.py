"""Who does the four jobs: what the tests of that add, assign and ask."""

from typing import Any

import pytest

from tests.pipe import Json, Pipe, RpcError
from tests.provider import Provider
from tests.rpc.asking import asking

JOBS = ("vision", "text", "structured_output", "tool_use")


def added(chat: Pipe, server: Provider, *models: Json) -> Json:
    params = {"name": "Box", "baseUrl": server.url, "models": models}
    provider: Json = chat.request("providers/create", params)["provider"]
    return provider


def assign(chat: Pipe, model: str, *jobs: str) -> None:
    for job in jobs or JOBS:
        chat.request("capabilities/assign", {"capability": job, "modelId": model})


def who(chat: Pipe, content: Any = "Hello", **members: object) -> str:
    """Who answers a person."""
    answered: str = chat.request("chat/completions", asking(content, **members))["model"]
    return answered


def refused(chat: Pipe, content: Any = "Hello", **members: object) -> RpcError:
    with pytest.raises(RpcError) as error:
        chat.request("chat/completions", asking(content, **members))
    return error.value
