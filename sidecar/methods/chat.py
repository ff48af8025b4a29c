"""`chat/completions`."""

import time
import uuid
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from sidecar.engine import Finished, GenerationRequest, RequestPriority, TextDelta
from sidecar.errors import EngineFailed, InvalidRequest
from sidecar.protocol.chat import (
    CHUNK,
    COMPLETIONS,
    AnswerMessage,
    ChatChunkParams,
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionRequest,
    Choice,
    ChunkChoice,
    Delta,
    Usage,
)
from sidecar.routing import Router
from sidecar.rpc.dispatch import Bound, Call


def bind(*, router: Router) -> Sequence[Bound[Any, Any]]:
    async def completions(params: ChatCompletionRequest, call: Call) -> ChatCompletion:
        if params.stream_options and not params.stream:
            raise InvalidRequest("stream_options goes with stream: true", member="stream_options")
        answer = _Answer(router.resolve(params.model))
        stream = _Stream(answer, call) if params.stream else None
        text: list[str] = []
        finished: Finished | None = None
        # Closing the pieces, also when this task is cancelled, is what cancels the generation.
        async with aclosing(router.complete(params.model, generation_request(params, call))) as pieces:
            async for piece in pieces:
                if isinstance(piece, Finished):
                    finished = piece
                else:
                    text.append(piece.text)
                    if stream:
                        await stream.send(piece)
        if finished is None:
            raise EngineFailed("the engine ended an answer without saying why")
        usage = Usage(
            prompt_tokens=finished.prompt_tokens,
            completion_tokens=finished.completion_tokens,
            total_tokens=finished.prompt_tokens + finished.completion_tokens,
        )
        if stream:
            include_usage = params.stream_options is not None and params.stream_options.include_usage
            await stream.finish(finished, usage if include_usage else None)
        choice = Choice(message=AnswerMessage(content="".join(text)), finish_reason=finished.finish_reason)
        return ChatCompletion(id=answer.id, created=answer.created, model=answer.model, choices=[choice], usage=usage)

    return (Bound(COMPLETIONS, completions),)


def generation_request(params: ChatCompletionRequest, call: Call) -> GenerationRequest:
    """What the engine is asked. What the caller left open stays at the engine's defaults."""
    stop = [params.stop] if isinstance(params.stop, str) else params.stop or []
    sampling = {
        name: value for name in ("temperature", "top_p", "seed") if (value := getattr(params, name)) is not None
    }
    return GenerationRequest(
        request_id=str(call.id),
        messages=[_message(message.model_dump()) for message in params.messages],
        priority=RequestPriority(params.priority or RequestPriority.LOW),
        max_tokens=params.max_completion_tokens or params.max_tokens,
        stop=tuple(stop),
        **sampling,
    )


def _message(message: dict[str, Any]) -> dict[str, Any]:
    # OpenAI's newer name for the same thing; chat templates know the older one.
    return message | {"role": "system"} if message["role"] == "developer" else message


class _Answer:
    """What all pieces of one answer have in common."""

    def __init__(self, model: str) -> None:
        self.id = f"chatcmpl-{uuid.uuid4().hex}"
        self.created = int(time.time())
        self.model = model


class _Stream:
    """Sends an answer's pieces as `chat/chunk`: the role, the text, the reason why it ended, the usage if asked for."""

    def __init__(self, answer: _Answer, call: Call) -> None:
        self._answer = answer
        self._call = call
        self._started = False

    async def send(self, piece: TextDelta) -> None:
        await self._start()
        if piece.text:
            await self._chunk([ChunkChoice(delta=Delta(content=piece.text))])

    async def finish(self, finished: Finished, usage: Usage | None) -> None:
        await self._start()
        await self._chunk([ChunkChoice(delta=Delta(), finish_reason=finished.finish_reason)])
        if usage:
            await self._chunk([], usage)

    async def _start(self) -> None:
        if not self._started:
            self._started = True
            await self._chunk([ChunkChoice(delta=Delta(role="assistant", content=""))])

    async def _chunk(self, choices: list[ChunkChoice], usage: Usage | None = None) -> None:
        answer = self._answer
        chunk = ChatCompletionChunk(
            id=answer.id, created=answer.created, model=answer.model, choices=choices, usage=usage
        )
        await self._call.notify(CHUNK, ChatChunkParams(request_id=self._call.id, chunk=chunk))
