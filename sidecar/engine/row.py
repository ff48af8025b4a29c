"""One answer on its way through a lane. Imports MLX: for the engine thread only."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from sidecar.engine import prefixes, vision
from sidecar.engine.loader import LoadedModel
from sidecar.engine.reply import Reply
from sidecar.engine.request import Delta, Finished, Job, TokenLogprob
from sidecar.engine.sampling import Logprobs, RowSampler
from sidecar.engine.tools import TAGS
from sidecar.engine.vision import Patches


class Row:
    """One answer on its way: its prompt, the tokens it has, and what they say."""

    def __init__(
        self,
        job: Job,
        *,
        model: LoadedModel,
        ids: Sequence[int],
        begun: Sequence[int] = (),
        pictures: Sequence[Patches] = (),
        max_tokens: int,
        sampler: RowSampler | None,
    ) -> None:
        """No part of `model` that takes its memory is held: a row may wait while another one is loaded. `ids` are the
        prompt, with `pictures` in it; the last of them are `begun`, the tokens that the answer begins with. After
        them come `max_tokens` at most."""
        self.folder = job.folder
        self.request = job.request
        self.deliver = job.deliver
        self.ids = list(ids)
        self.pictures = pictures
        self.sampler = sampler
        self.cached_tokens = 0
        """Of the prompt, those that were taken from an earlier request's work."""
        self.begins_with: list[Any] | None = None
        """Their keys and values, until the row is inserted."""
        self.tokens: list[int] = []
        """Those generated so far, after `begun`."""
        self._max_tokens = max_tokens
        self._computed_since: float | None = None
        self._begun = begun
        self._first_token = 0.0
        self._token_bytes = model.token_bytes
        self._end_tokens = model.end_tokens
        self._image_token = model.model.config.image_token_id
        self._reply = Reply(
            model.token_bytes,
            call=model.vocabulary.call if job.request.callable_tools else None,
            call_end=model.vocabulary.call_end,
            stop=job.request.stop,
            # A schema may well have a tag among its words, and what validates is not touched.
            tags=TAGS if job.request.schema is None else (),
        )

    @property
    def sequence(self) -> list[int]:
        """All that is read so far, or has to be read again: the prompt and the answer as far as it has come."""
        return self.ids + self.tokens

    @property
    def key(self) -> prefixes.Key:
        """What `sequence` is compared with others by."""
        return prefixes.key(self.sequence, self.pictures, self._image_token, guest=self.request.guest)

    @property
    def most_patches(self) -> int:
        """Of its largest picture."""
        return max((math.prod(patches.grid) for patches in self.pictures), default=0)

    def unread_pictures(self, read: int) -> tuple[list[int], int]:
        """Of its pictures that are not read whole with its first `read` positions: how many tokens each takes, and the
        position after the last."""
        if not self.pictures:
            return [], 0
        is_visual = vision.shown(self.sequence, self.pictures, self._image_token)
        unread = vision.unread(self.pictures, int(is_visual[:read].sum()))
        return [patches.tokens for patches, _ in unread], int(is_visual.nonzero()[0][-1]) + 1

    @property
    def most_positions(self) -> int:
        """How long prompt and answer can become together."""
        return len(self.ids) + self._max_tokens

    def is_computed_now(self) -> None:
        """Its pictures are looked at next, and its prompt is read: it waits no more. Again after it was put off."""
        if self._computed_since is None:
            self._computed_since = time.monotonic()

    def push(self, token: int) -> Finished | None:
        """Delivers what the next token brings, and returns the end of the answer if this is it."""
        if not self.tokens:
            self._first_token = time.monotonic()
            for each in self._begun:
                self._deliver(self._reply.push(each))
        self.tokens.append(token)
        logprobs = self.sampler.take_logprobs() if self.sampler else None
        ends = token in self._end_tokens
        if not ends:
            self._deliver(self._reply.push(token, self._readable(token, logprobs) if logprobs else None))
        if not (ends or self._reply.stopped or len(self.tokens) == self._max_tokens):
            return None
        self._deliver(self._reply.finish())
        if not (ends or self._reply.stopped):
            return self._finished("length")
        return self._finished("tool_calls" if self._reply.calls else "stop")

    @property
    def tokens_per_second(self) -> float | None:
        """The rate after the first token."""
        seconds = time.monotonic() - self._first_token
        return (len(self.tokens) - 1) / seconds if len(self.tokens) > 1 and seconds > 0 else None

    def _deliver(self, deltas: Iterator[Delta]) -> None:
        for delta in deltas:
            self.deliver(delta)

    def _readable(self, token: int, logprobs: Logprobs) -> TokenLogprob:
        spelled = self._token_bytes
        others = zip(np.array(logprobs.tokens)[0].tolist(), np.array(logprobs.values)[0].tolist(), strict=True)
        top = tuple(TokenLogprob(spelled(other), logprob) for other, logprob in others)
        return TokenLogprob(spelled(token), float(np.array(logprobs.drawn)[0, 0]), top)

    def _finished(self, reason: Literal["stop", "length", "tool_calls"]) -> Finished:
        now = time.monotonic()
        assert self._computed_since is not None
        return Finished(
            finish_reason=reason,
            prompt_tokens=len(self.ids) - len(self._begun),
            cached_tokens=min(self.cached_tokens, len(self.ids) - len(self._begun)),
            completion_tokens=len(self.tokens) + len(self._begun),
            queued_seconds=self._computed_since - self.request.arrived,
            first_token_seconds=self._first_token - self.request.arrived,
            total_seconds=now - self.request.arrived,
            tokens_per_second=self.tokens_per_second,
        )
