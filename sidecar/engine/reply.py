"""From an answer's tokens to the pieces its caller gets: text, then perhaps tool calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidecar.engine.request import Delta, TextDelta, TokenLogprob, ToolCallDelta
from sidecar.engine.text import AnswerText, TokenBytes
from sidecar.engine.tools import TAGS, CallReader


class Reply:
    """The growing answer of one row.

    Everything is text until the token `call` (None where no tool may be called); from there to `call_end` it is one
    call. White space before a call belongs to the call's form and is not shown. `tags` are not shown as such where the
    model spells them out (`AnswerText`).
    """

    def __init__(
        self,
        token_bytes: TokenBytes,
        *,
        call: int | None = None,
        call_end: int | None = None,
        stop: Sequence[str] = (),
        tags: Sequence[str] = TAGS,
    ) -> None:
        self._token_bytes = token_bytes
        self._call = call
        self._call_end = call_end
        self._text = AnswerText(token_bytes, stop, tags)
        self._space = ""  # at the end of the text; held back, as a call may follow
        self._reader: CallReader | None = None
        self._spelled: AnswerText | None = None
        self._logprobs: list[TokenLogprob] = []
        self.calls = 0

    @property
    def stopped(self) -> bool:
        """Whether a stop string was met."""
        return self._text.stopped

    def push(self, token: int, logprob: TokenLogprob | None = None) -> Iterator[Delta]:
        """What is certain after `token`."""
        if token == self._call and self._reader is None:
            yield from self._shown(self._text.finish())
            self._space = ""
            self._reader, self._spelled = CallReader(), AnswerText(self._token_bytes, ())
            self.calls += 1
        elif self._reader is not None:
            yield from self._read_call(token)
        elif self.calls == 0:
            if logprob is not None:
                self._logprobs.append(logprob)
            yield from self._shown(self._text.push(token))

    def finish(self) -> Iterator[Delta]:
        """What was still held back, once no token follows."""
        if self.calls == 0 and not self.stopped:
            yield from self._shown(self._text.finish(), last=True)
        elif self.calls == 0 and self._space:
            yield TextDelta(self._space)

    def _shown(self, text: str, *, last: bool = False) -> Iterator[Delta]:
        text = self._space + text
        kept = text if last or self._call is None else text.rstrip()
        self._space = text[len(kept) :]
        if kept or (last and self._logprobs):
            logprobs, self._logprobs = tuple(self._logprobs), []
            yield TextDelta(kept, logprobs)

    def _read_call(self, token: int) -> Iterator[Delta]:
        assert self._reader is not None
        assert self._spelled is not None
        if token == self._call_end:
            self._reader = self._spelled = None
            return
        named = self._reader.name is not None
        arguments = self._reader.push(self._spelled.push(token))
        if not named and self._reader.name is not None:
            yield ToolCallDelta(self.calls - 1, id=self._reader.id, name=self._reader.name)
        if arguments:
            yield ToolCallDelta(self.calls - 1, arguments=arguments)
