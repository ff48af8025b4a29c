"""`chat/completions`."""

import time
import uuid
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from sidecar.engine import Finished, GenerationRequest, RequestPriority, refuse_attachments
from sidecar.errors import EngineFailed
from sidecar.methods.chat_choice import GrowingChoice
from sidecar.protocol.chat import CHUNK, COMPLETIONS, ChatChunkParams, ChatCompletionRequest
from sidecar.protocol.chat_answer import (
    ChatCompletion,
    ChatCompletionChunk,
    ChunkChoice,
    Delta,
    PromptTokensDetails,
    Timings,
    Usage,
)
from sidecar.protocol.chat_messages import AnyMessage, JsonObjectFormat, JsonSchemaFormat, NamedTool
from sidecar.routing import Router
from sidecar.rpc.dispatch import Bound, Call, beside

# Members that the engine calls the same and has a default for.
SAME = ("temperature", "top_p", "top_k", "min_p", "seed", "presence_penalty", "frequency_penalty", "n")


def bind(*, router: Router) -> Sequence[Bound[Any, Any]]:
    async def completions(params: ChatCompletionRequest, call: Call) -> ChatCompletion:
        request = await beside(call, partial(generation_request, params, call))
        if request.guest:
            refuse_attachments(request.messages)
        route = await router.route(params.model, request)
        call.settle()
        answer = _Answer(route.name)
        stream = _Stream(answer, call) if params.stream else None
        choices = [GrowingChoice(index) for index in range(params.n or 1)]
        # Closing the pieces, also when this task is cancelled, is what cancels the generation.
        async with aclosing(router.complete(route, request)) as pieces:
            async for piece in pieces:
                chunk = choices[piece.choice].push(piece)
                if stream:
                    ended = all(choice.finished is not None for choice in choices)
                    await stream.send(chunk, _timings(choices[0].finished) if ended else None)
        ends = [choice.finished for choice in choices if choice.finished is not None]
        if len(ends) != len(choices):
            raise EngineFailed("the engine ended an answer without saying why")
        usage = _usage(ends)
        if stream and params.stream_options and params.stream_options.include_usage:
            await stream.usage(usage)
        return ChatCompletion(
            id=answer.id,
            created=answer.created,
            model=answer.model,
            choices=[choice.whole() for choice in choices],
            usage=usage,
            timings=_timings(ends[0]),
        )

    return (Bound(COMPLETIONS, completions),)


def generation_request(params: ChatCompletionRequest, call: Call) -> GenerationRequest:
    """What the engine is asked. What the caller left open stays at the engine's defaults."""
    stop = [params.stop] if isinstance(params.stop, str) else params.stop or []
    given: dict[str, Any] = {name: value for name in SAME if (value := getattr(params, name)) is not None}
    if params.parallel_tool_calls is not None:
        given["parallel_tool_calls"] = params.parallel_tool_calls
    if isinstance(params.tool_choice, NamedTool):
        given["tool_choice"] = {"name": params.tool_choice.function.name}
    elif params.tool_choice is not None:
        given["tool_choice"] = params.tool_choice
    return GenerationRequest(
        request_id=str(call.id),
        arrived=call.arrived,
        messages=[_message(message) for message in params.messages],
        priority=RequestPriority(params.priority or RequestPriority.LOW),
        guest=params.origin == "proxy",
        max_tokens=params.max_completion_tokens or params.max_tokens,
        stop=tuple(stop),
        logit_bias={int(token): bias for token, bias in (params.logit_bias or {}).items()},
        top_logprobs=(params.top_logprobs or 0) if params.logprobs else None,
        schema=_schema(params),
        tools=[tool.model_dump(exclude_none=True) for tool in params.tools or ()],
        **given,
    )


def _message(message: AnyMessage) -> dict[str, Any]:
    sent = message.model_dump(exclude_none=True)
    # OpenAI's newer name for the same thing; chat templates know the older one.
    return sent | {"role": "system"} if message.role == "developer" else sent


def _schema(params: ChatCompletionRequest) -> dict[str, Any] | None:
    match params.response_format:
        case JsonSchemaFormat(json_schema=named):
            return {"type": "object"} if named.schema_ is None else named.schema_
        case JsonObjectFormat():
            return {"type": "object"}
        case _:
            return None


def _usage(ends: Sequence[Finished]) -> Usage:
    prompt, completion = ends[0].prompt_tokens, sum(end.completion_tokens for end in ends)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=PromptTokensDetails(cached_tokens=ends[0].cached_tokens),
    )


def _timings(end: Finished | None) -> Timings:
    assert end is not None
    return Timings(
        queue_ms=round(end.queued_seconds * 1000, 3),
        prefill_ms=round((end.first_token_seconds - end.queued_seconds) * 1000, 3),
        ttft_ms=round(end.first_token_seconds * 1000, 3),
        tokens_per_second=None if end.tokens_per_second is None else round(end.tokens_per_second, 3),
    )


class _Answer:
    """What all pieces of one answer have in common."""

    def __init__(self, model: str) -> None:
        self.id = f"chatcmpl-{uuid.uuid4().hex}"
        self.created = int(time.time())
        self.model = model


class _Stream:
    """Sends an answer's pieces as `chat/chunk`: for each choice the role, what it says, and the reason why it ended."""

    def __init__(self, answer: _Answer, call: Call) -> None:
        self._answer = answer
        self._call = call
        self._started: set[int] = set()

    async def send(self, choice: ChunkChoice, timings: Timings | None) -> None:
        if choice.index not in self._started:
            self._started.add(choice.index)
            await self._chunk([ChunkChoice(index=choice.index, delta=Delta(role="assistant", content=""))])
        await self._chunk([choice], timings=timings)

    async def usage(self, usage: Usage) -> None:
        await self._chunk([], usage=usage)

    async def _chunk(self, choices: list[ChunkChoice], **more: Any) -> None:
        answer = self._answer
        chunk = ChatCompletionChunk(id=answer.id, created=answer.created, model=answer.model, choices=choices, **more)
        await self._call.notify(CHUNK, ChatChunkParams(request_id=self._call.id, chunk=chunk))
