"""One choice of an answer as its pieces come in."""

from sidecar.engine import Finished, Piece, TextDelta, ToolCallDelta
from sidecar.engine import TokenLogprob as EngineLogprob
from sidecar.protocol import chat_answer as message
from sidecar.protocol.chat_messages import CalledFunction, ToolCall


class GrowingChoice:
    """Turns each piece into what a stream says of it, and keeps the whole."""

    def __init__(self, index: int) -> None:
        self.finished: Finished | None = None
        self._index = index
        self._text: list[str] = []
        self._logprobs: list[message.TokenLogprob] = []
        self._calls: list[tuple[str, str, list[str]]] = []

    def push(self, piece: Piece) -> message.ChunkChoice:
        match piece:
            case TextDelta():
                return self._text_chunk(piece)
            case ToolCallDelta():
                return self._call_chunk(piece)
            case Finished():
                self.finished = piece
                return message.ChunkChoice(index=self._index, delta=message.Delta(), finish_reason=piece.finish_reason)

    def whole(self) -> message.Choice:
        assert self.finished is not None
        calls = [
            ToolCall(id=call_id, function=CalledFunction(name=name, arguments="".join(arguments)))
            for call_id, name, arguments in self._calls
        ]
        text = "".join(self._text)
        return message.Choice(
            index=self._index,
            message=message.AnswerMessage(content=text if text or not calls else None, tool_calls=calls or None),
            logprobs=message.Logprobs(content=self._logprobs) if self._logprobs else None,
            finish_reason=self.finished.finish_reason,
        )

    def _text_chunk(self, piece: TextDelta) -> message.ChunkChoice:
        self._text.append(piece.text)
        logprobs = [_logprob(each) for each in piece.logprobs]
        self._logprobs += logprobs
        return message.ChunkChoice(
            index=self._index,
            delta=message.Delta(content=piece.text),
            logprobs=message.Logprobs(content=logprobs) if logprobs else None,
        )

    def _call_chunk(self, piece: ToolCallDelta) -> message.ChunkChoice:
        if piece.id is not None and piece.name is not None:
            self._calls.append((piece.id, piece.name, []))
        self._calls[piece.index][2].append(piece.arguments)
        delta = message.ToolCallDelta(
            index=piece.index,
            id=piece.id,
            type="function" if piece.id is not None else None,
            function=message.FunctionDelta(name=piece.name, arguments=piece.arguments),
        )
        return message.ChunkChoice(index=self._index, delta=message.Delta(tool_calls=[delta]))


def _logprob(token: EngineLogprob) -> message.TokenLogprob:
    return message.TokenLogprob(
        token=_text(token.token),
        logprob=token.logprob,
        bytes=list(token.token),
        top_logprobs=[
            message.LikelyToken(token=_text(other.token), logprob=other.logprob, bytes=list(other.token))
            for other in token.top
        ],
    )


def _text(token: bytes) -> str:
    return token.decode(errors="replace")
