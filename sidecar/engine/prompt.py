"""From chat messages to token ids, by the chat template in the model's folder."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import jinja2

from sidecar.engine import messages as conversation
from sidecar.errors import InvalidRequest


class PromptTemplate:
    """The model's chat template and tokenizer.

    What people write is text and nothing else: where it holds the spelling of one of the tokenizer's own tokens
    (`<|im_start|>`, `<|image_pad|>`, `<tool_call>`, …) it is cut inside that spelling, and the pieces are tokenised
    apart, so that no role, picture or tool call can be forged.
    """

    def __init__(self, tokenizer: Any, image_token: int) -> None:
        self._tokenizer = tokenizer
        self._image_token = image_token
        spellings = [token.content for token in tokenizer.added_tokens_decoder.values() if len(token.content) > 1]
        self._own_token = _first_characters(spellings) if spellings else None

    def encode(
        self,
        messages: Sequence[Mapping[str, Any]],
        picture_tokens: Sequence[int],
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> list[int]:
        """The prompt's token ids; the n-th picture takes `picture_tokens[n]` of them. It ends where the answer begins,
        or, if the last message is the assistant's, with that message's own end, for it to be continued.

        Raises:
            InvalidRequest: the template refuses these messages, would leave one out, or has no place for a picture.
        """
        cut = secrets.token_hex(16)  # nothing people write can hold it
        try:
            rendered = self._rendered(messages, tools, cut)
            rendered.encode()  # the tokenizer would answer half a surrogate pair with a TypeError
            ids = self._tokens([text for text in rendered.split(cut) if text])
        except jinja2.TemplateError as error:
            raise InvalidRequest("the model's chat template refuses these messages", member="messages") from error
        except UnicodeEncodeError as error:
            raise InvalidRequest("a text holds half of a surrogate pair", member="messages") from error
        if ids.count(self._image_token) != len(picture_tokens):
            raise InvalidRequest("the model's chat template has no place for a picture here", member="messages")
        return self._expanded(ids, picture_tokens)

    def _rendered(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]], cut: str) -> str:
        shown = [self._for_template(message, cut) for message in messages]
        later = next((at for at, message in enumerate(shown) if at and message["role"] == "system"), None)
        if later is not None and not self._shows_later_instructions:
            reason = "the model's chat template takes a system message at the beginning only"
            raise InvalidRequest(reason, member=f"messages.{later}.role")
        continued = conversation.is_continued(messages)
        if continued:
            end = secrets.token_hex(16)
            shown[-1]["content"] = self._as_text(conversation.text_of(messages[-1]), cut) + end
        rendered: str = self._tokenizer.apply_chat_template(
            shown,
            tools=[self._as_text(tool, cut) for tool in tools] or None,
            tokenize=False,
            add_generation_prompt=not continued,
        )
        return rendered[: rendered.rindex(end)] if continued else rendered

    @cached_property
    def _shows_later_instructions(self) -> bool:
        """Whether the template writes a system message that is not the first: some leave it out without a word."""
        probe = secrets.token_hex(16)
        roles = {"user": "a", "system": probe, "assistant": "b"}
        messages = [{"role": role, "content": text} for role, text in roles.items()]
        rendered: str = self._tokenizer.apply_chat_template([*messages, messages[0]], tokenize=False)
        return probe in rendered

    def _tokens(self, texts: list[str]) -> list[int]:
        # Of the tokenizer's verbs the only one that does not keep the interpreter's lock: 2 MB of text would stop every
        # other thread for 4 s, this one does for 0.03 (measured).
        encodings = self._tokenizer.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return list(chain.from_iterable(encoding.ids for encoding in encodings))

    def _expanded(self, ids: list[int], picture_tokens: Sequence[int]) -> list[int]:
        """`ids` with each picture's place as long as the picture. Of few, fast verbs: from a loop over a million tokens
        the engine thread would get the interpreter's lock 5 ms late each time it wants it."""
        expanded: list[int] = []
        begin = 0
        for tokens in picture_tokens:
            at = ids.index(self._image_token, begin)
            expanded += ids[begin:at]
            expanded += [self._image_token] * tokens
            begin = at + 1
        return expanded + ids[begin:]

    def _for_template(self, message: Mapping[str, Any], cut: str) -> dict[str, Any]:
        role = "system" if message["role"] == "developer" else message["role"]
        others = {key: self._as_text(value, cut) for key, value in message.items() if key not in ("role", "content")}
        return {"role": role, "content": self._content(message.get("content") or "", cut), **others}

    def _content(self, content: Any, cut: str) -> Any:
        if not isinstance(content, (list, tuple)):
            return self._as_text(content, cut)
        parts: list[dict[str, Any]] = []
        for part in content:
            if part.get("type") == "image_url":
                parts.append({"type": "image"})
            elif parts and parts[-1]["type"] == "text":  # joined first: a spelling may be spread over two parts
                parts[-1]["text"] += part["text"]
            else:
                parts.append({"type": "text", "text": part["text"]})
        return [self._as_text(part, cut) if part["type"] == "text" else part for part in parts]

    def _as_text(self, value: Any, cut: str) -> Any:
        """`value` with a cut after the first character of each spelling of an own token, in all its strings."""
        if isinstance(value, str) and self._own_token is not None:
            return self._cut(value, cut)
        if isinstance(value, Mapping):
            return {self._as_text(key, cut): self._as_text(member, cut) for key, member in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._as_text(member, cut) for member in value]
        return value

    def _cut(self, text: str, cut: str) -> str:
        assert self._own_token is not None
        pieces, last = [], 0
        for match in self._own_token.finditer(text):
            pieces.append(text[last : match.start() + 1])
            last = match.start() + 1
        return cut.join([*pieces, text[last:]])


def _first_characters(spellings: Sequence[str]) -> re.Pattern[str]:
    """Matches the first character of each of the spellings, and of one that begins inside another, too. Written so
    that `re` skips fast to the few characters that any of them begins with."""
    rests: dict[str, list[str]] = {}
    for spelling in spellings:
        rests.setdefault(spelling[0], []).append(re.escape(spelling[1:]))
    return re.compile("|".join(f"{re.escape(first)}(?={'|'.join(rest)})" for first, rest in rests.items()))
