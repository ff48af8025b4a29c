"""What a request needs before it can be a row of a lane. Imports MLX: for the engine thread only."""

from __future__ import annotations

import secrets
import time

from sidecar.engine import vision
from sidecar.engine.lane import Row
from sidecar.engine.loader import LoadedModel
from sidecar.engine.request import GenerationRequest, Job
from sidecar.engine.sampling import RowSampler
from sidecar.errors import ContextLengthExceeded

DEFAULT_MAX_TOKENS = 2048  # of an answer whose request names no limit


def admit(job: Job, model: LoadedModel) -> Row:
    """Tokenises the messages and encodes the pictures.

    Raises:
        InvalidRequest: the chat template refuses the messages.
        ContextLengthExceeded: the prompt leaves no room for an answer.
    """
    admitted = time.monotonic()
    patches = [vision.cut(picture, model.image_processor) for picture in job.pictures]
    ids = model.template.encode(job.request.messages, [cut.tokens for cut in patches])
    room = model.context_tokens - len(ids)
    if room < 1:
        raise ContextLengthExceeded(
            f"{len(ids)} tokens of prompt, {model.context_tokens} of context",
            promptTokens=len(ids),
            contextTokens=model.context_tokens,
        )
    return Row(
        job,
        model=model,
        ids=ids,
        inputs=vision.prompt_inputs(model.model, ids, patches, model.features),
        max_tokens=min(job.request.max_tokens or DEFAULT_MAX_TOKENS, room),
        sampler=_sampler(job.request, model),
        admitted=admitted,
    )


def _sampler(request: GenerationRequest, model: LoadedModel) -> RowSampler | None:
    """None where the likeliest token is taken always: any logits processor costs the batch a synchronisation."""
    temperature = model.temperature if request.temperature is None else request.temperature
    if temperature == 0:
        return None
    return RowSampler(
        temperature=temperature,
        top_p=model.top_p if request.top_p is None else request.top_p,
        seed=secrets.randbits(64) if request.seed is None else request.seed,
    )
