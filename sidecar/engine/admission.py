"""What a request needs before it can be a row of a lane. Imports MLX: for the engine thread only."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sidecar.engine import messages, vision
from sidecar.engine.grammar import Grammar
from sidecar.engine.loader import LoadedModel
from sidecar.engine.request import GenerationRequest, Job, TokensNeeded
from sidecar.engine.row import Row
from sidecar.engine.sampling import RowSampler, Sampling
from sidecar.engine.vision import Patches
from sidecar.errors import ContextLengthExceeded, InvalidRequest

DEFAULT_MAX_TOKENS = 2048  # of an answer whose request names no limit
LEAST_TEMPERATURE = 1e-4  # below it is none: logits divided by less leave what floats can hold
LONG_TEXT = 8_000  # characters: tokenising them may take 5 ms, in which no other answer would get on
CHARACTERS_A_TOKEN = 32  # more than any text has on average but one of blanks; prose has about four


@dataclass(frozen=True)
class Read:
    """A request's token ids, with its pictures among them, and what its answer may be."""

    ids: list[int]
    pictures: Sequence[Patches]
    grammar: Grammar | None


def reading(job: Job, model: LoadedModel) -> Callable[[], Read]:
    """Tokenises the messages and compiles a grammar that is not compiled yet, when it is called: that may take seconds,
    and needs no MLX and no more of the model than its words.

    Raises:
        InvalidRequest: a biased token is none of the model's; when called, the chat template refuses the messages.
        InvalidSchema: when called, a schema cannot be enforced.
        ContextLengthExceeded: there is far too much text.
    """
    request, grammars = job.request, model.grammars
    encode, pictures = _encoding(job, model)

    def read() -> Read:
        ids = encode() if job.ids is None else job.ids
        rules = job.grammar
        if rules is None and request.is_constrained:
            rules = grammars.compiled(request)
        return Read(list(ids), pictures, rules)

    return read


def tokens_needed(job: Job, model: LoadedModel) -> TokensNeeded | None:
    """What a job with a long text is to bring along; None where it has it, or where that takes a moment only. Raises
    what `reading` does."""
    if job.ids is not None or messages.characters(job.request.messages, job.request.tools) <= LONG_TEXT:
        return None
    return TokensNeeded(_encoding(job, model)[0])


def _encoding(job: Job, model: LoadedModel) -> tuple[Callable[[], list[int]], list[Patches]]:
    request, template = job.request, model.template
    if any(token >= model.model.config.text_config.vocab_size for token in request.logit_bias):
        raise InvalidRequest("a bias for a token that the model has not", member="logit_bias")
    _refuse_far_too_much(request, model.context_tokens)
    pictures = [vision.cut(picture, model.image_processor, guest=request.guest) for picture in job.pictures]
    tokens, tools = [cut.tokens for cut in pictures], request.callable_tools
    return lambda: template.encode(request.messages, tokens, tools), pictures


def admit(job: Job, read: Read, model: LoadedModel) -> Row:
    """Raises:
    ContextLengthExceeded: the prompt leaves no room for an answer.
    """
    request = job.request
    room = model.context_tokens - len(read.ids)
    if room < 1:
        raise _too_long(len(read.ids), model.context_tokens)
    max_tokens = min(request.max_tokens or DEFAULT_MAX_TOKENS, room)
    begun = _begun(request, read.grammar, max_tokens)
    return Row(
        job,
        model=model,
        ids=read.ids + begun,
        begun=begun,
        pictures=read.pictures,
        max_tokens=max_tokens - len(begun),
        sampler=_sampler(request, read.grammar, model, begun),
    )


def _refuse_far_too_much(request: GenerationRequest, context_tokens: int) -> None:
    """Before anybody spends seconds on tokenising megabytes that cannot fit."""
    least = messages.characters(request.messages, request.tools) // CHARACTERS_A_TOKEN
    if least > context_tokens:
        raise _too_long(least, context_tokens)


def _too_long(prompt_tokens: int, context_tokens: int) -> ContextLengthExceeded:
    return ContextLengthExceeded(
        f"{prompt_tokens} tokens of prompt, {context_tokens} of context",
        promptTokens=prompt_tokens,
        contextTokens=context_tokens,
    )


def _begun(request: GenerationRequest, rules: Grammar | None, max_tokens: int) -> list[int]:
    """What the grammar leaves no choice about at the answer's beginning: read with the prompt, in one step instead of
    one for each token (the head of a required call took 20 of them). Whoever asks for log-probabilities gets each."""
    if rules is None or request.top_logprobs is not None:
        return []
    return rules.take_forced(max_tokens - 1)


def _sampler(
    request: GenerationRequest, rules: Grammar | None, model: LoadedModel, begun: Sequence[int]
) -> RowSampler | None:
    """None where the likeliest token is taken always: any logits processor costs the batch a synchronisation."""
    temperature = model.temperature if request.temperature is None else request.temperature
    sampling = Sampling(
        temperature=temperature if temperature >= LEAST_TEMPERATURE else 0.0,
        top_p=model.top_p if request.top_p is None else request.top_p,
        top_k=model.top_k if request.top_k is None else request.top_k,
        min_p=request.min_p,
        seed=secrets.randbits(64) if request.seed is None else request.seed,
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        logit_bias=request.logit_bias,
        top_logprobs=request.top_logprobs,
    )
    return None if sampling.is_plain and rules is None else RowSampler(sampling, rules, begun)
