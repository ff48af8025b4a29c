"""What of a chat the model reads: all of it, or where that does not fit the newest turns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sidecar.errors import ContextLengthExceeded, InvalidImage, InvalidRequest, ProviderRejected, SidecarError
from sidecar.store.message import Message, TextPart

FILLED = 0.75
"""Of the context, when turns were dropped: the next few questions find room without another one having to go, and what
the engine keeps of the chat stays the beginning of what it reads."""
CHARACTERS_OF_A_PICTURE = 4000
"""As much context as these take: about 1,000 tokens, as many as a picture of 1024² has."""

REFUSED = (InvalidImage.kind, InvalidRequest.kind)
"""Of answers to questions that nobody can answer as they are, for example about a damaged picture."""

# OpenAI and vLLM: "maximum context length is 8192 tokens"; llama.cpp: "exceeds the available context size"; others:
# "prompt is too long". HTTP has no status for it.
_TOO_LONG = re.compile(r"context[ _](length|size|window)|(prompt|input) is too long|too many tokens", re.IGNORECASE)


def is_too_long(error: SidecarError) -> bool:
    """Whether a request failed because it does not fit the model's context, or shows more pictures than any could. Of a
    provider only its words tell; where they mislead, the same error comes again for a shorter chat."""
    if isinstance(error, ProviderRejected):
        return _TOO_LONG.search(str(error.details.get("said", ""))) is not None
    too_many = isinstance(error, InvalidImage) and error.details.get("reason") == "too_many_pictures"
    return too_many or isinstance(error, ContextLengthExceeded)


@dataclass(frozen=True)
class Context:
    """The turns that are read, the oldest first; a turn is a question and what was answered. The last one's question is
    to be answered or, where its answer has begun, that is to be continued. `dropped` messages before them are not read;
    `tries` is how often it turned out not to fit."""

    turns: tuple[tuple[Message, ...], ...]
    dropped: int = 0
    tries: int = 0

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Context:
        """The whole chat."""
        turns: list[tuple[Message, ...]] = []
        for message in messages:
            if message.role == "user" or not turns:
                turns.append((message,))
            else:
                turns[-1] += (message,)
        return cls(tuple(turns))

    def without_first(self, messages: int) -> Context:
        """Without the turns that begin within the first so many messages of the chat; the last one always stays."""
        context = self
        while context.dropped < messages and len(context.turns) > 1:
            context = context._without(1)
        return context

    def shorter(self, error: SidecarError) -> Context:
        """With fewer turns, as it did not fit. At first as many as should, if the error says how much too long it was;
        after that half of what there is, so that even a long chat needs few tries.

        Raises:
            SidecarError: the error itself, as the last turn alone does not fit.
        """
        if len(self.turns) < 2:
            raise error
        tokens, room = error.details.get("promptTokens"), error.details.get("contextTokens")
        share = 0.5
        if self.tries == 0 and isinstance(tokens, int) and isinstance(room, int) and tokens > 0:
            share = FILLED * room / tokens
        weights = [sum(_weight(message) for message in turn) for turn in self.turns]
        most = share * sum(weights)
        drop = 1
        while drop < len(self.turns) - 1 and sum(weights[drop:]) > most:
            drop += 1
        return replace(self._without(drop), tries=self.tries + 1)

    def continuing(self, answer: Message) -> Context:
        """The same with what there is of the answer, which is to be continued."""
        *before, last = self.turns
        return replace(self, turns=(*before, (last[0], answer)))

    def messages(self) -> list[Mapping[str, Any]]:
        """As the engine takes them. Left out are answers that broke off before their first word, and earlier questions
        that rotted or could not be answered as they are: each later answer would fail of them, too."""
        read = [*(turn for turn in self.turns[:-1] if not _is_refused(turn)), *self.turns[-1:]]
        return [_sent(message) for turn in read for message in turn if message.role == "user" or message.text]

    def _without(self, turns: int) -> Context:
        gone = sum(len(turn) for turn in self.turns[:turns])
        return replace(self, turns=self.turns[turns:], dropped=self.dropped + gone)


def _is_refused(turn: Sequence[Message]) -> bool:
    if not turn[0].parts:  # nobody can read the question any more
        return True
    answers = [message for message in turn if message.role == "assistant"]
    return any(answer.kind in REFUSED for answer in answers) and not any(answer.text for answer in answers)


def _sent(message: Message) -> dict[str, Any]:
    if not message.attachments:
        return {"role": message.role, "content": message.text}
    content = [
        {"type": "text", "text": part.text}
        if isinstance(part, TextPart)
        else {"type": "image_url", "image_url": {"url": f"attachment:{part.attachment}"}}
        for part in message.parts
    ]
    return {"role": message.role, "content": content}


def _weight(message: Message) -> int:
    return len(message.text) + CHARACTERS_OF_A_PICTURE * len(message.attachments)
