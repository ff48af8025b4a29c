"""From our request to the body of OpenAI's `/chat/completions`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sidecar.engine import GenerationRequest

ANY_OBJECT = {"type": "object"}

MAX_TOKENS = "max_tokens"
MAX_COMPLETION_TOKENS = "max_completion_tokens"
"""OpenAI's newer name. Its reasoning models refuse the older one, which Ollama and others know alone and without which
they write on and on: so the older one is sent first, and the newer one to models that have refused it."""


def body_of(
    identifier: str, request: GenerationRequest, messages: Sequence[Mapping[str, Any]], *, length_member: str
) -> dict[str, Any]:
    """The body that asks the model `identifier`; `messages` are the request's with their pictures opened.

    What the request leaves open is not sent, so that the server's own defaults count. `top_k` and `min_p`, which OpenAI
    does not know, are sent where they are set: a server that cannot do what was asked for should say so.
    """
    members = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "min_p": request.min_p or None,
        "seed": request.seed,
        "stop": list(request.stop) or None,
        length_member: request.max_tokens,
        "presence_penalty": request.presence_penalty or None,
        "frequency_penalty": request.frequency_penalty or None,
        "logit_bias": {str(token): bias for token, bias in request.logit_bias.items()} or None,
        "logprobs": None if request.top_logprobs is None else True,
        "top_logprobs": request.top_logprobs or None,
        "n": request.n if request.n > 1 else None,
        "response_format": None if request.schema is None else _format(request.schema),
        **(_tools(request) if request.tools else {}),
    }
    return {
        "model": identifier,
        "messages": list(messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        **{name: value for name, value in members.items() if value is not None},
    }


def _tools(request: GenerationRequest) -> dict[str, Any]:
    choice = request.tool_choice
    if not isinstance(choice, str):
        choice = {"type": "function", "function": {"name": choice["name"]}}
    return {
        "tools": list(request.tools),
        "tool_choice": None if choice == "auto" else choice,
        "parallel_tool_calls": None if request.parallel_tool_calls else False,
    }


def _format(schema: Mapping[str, Any]) -> dict[str, Any]:
    if schema == ANY_OBJECT:
        return {"type": "json_object"}
    named: dict[str, Any] = {"name": "answer", "schema": schema}
    # OpenAI enforces only what is strict, and refuses to be strict with schemas beyond a subset.
    return {"type": "json_schema", "json_schema": named | ({"strict": True} if _can_be_strict(schema) else {})}


def _can_be_strict(schema: Mapping[str, Any]) -> bool:
    """Whether every object in it is closed and all of its members are required."""
    return all(
        each.get("additionalProperties") is False
        and set(each.get("required") or ()) == set(each.get("properties") or {})
        for each in _parts(schema)
        if each.get("type") == "object" or "properties" in each
    )


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, Mapping):
        yield schema
        for part in schema.values():
            yield from _parts(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            yield from _parts(part)
