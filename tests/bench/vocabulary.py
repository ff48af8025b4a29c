"""A tokenizer of any size, made without a network: byte-level BPE cut like Qwen's, with Qwen's special tokens.

Its words are invented, of syllables with a consonant and a vowel (" bacade"). So the merges that lead to a word are
the only ones there are, a text of n such words has exactly n tokens, and whatever a random model draws is whole text.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

# In the order of Qwen3-VL's ids, from 151,643 on.
SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<tool_call>",
    "</tool_call>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
    "<tool_response>",
    "</tool_response>",
    "<think>",
    "</think>",
)
QWEN_TOKENS = 151_643

# The pattern of Qwen's tokenizer.json.
_CUT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_SPACE = "Ġ"
_SYLLABLES = tuple(map("".join, product("bcdfghjklmnpqrstvwxyz", "aeiou")))
_PUNCTUATION = (
    ("{", '"'),
    ('"', ":"),
    ('"', ","),
    ('"', "}"),
    ("}", ","),
    ("[", "{"),
    ("}", "]"),
    ('":', '"'),
    ('",', '"'),
)


def _merges() -> Iterator[tuple[str, str]]:
    """Pairs to be joined, the most urgent first. Words with a space before them come first: those prompts are of."""
    yield from product("bcdfghjklmnpqrstvwxyz", "aeiou")
    yield from _PUNCTUATION
    yield from ((_SPACE, syllable) for syllable in _SYLLABLES)
    yield from ((_SPACE + first, second) for first, second in product(_SYLLABLES, repeat=2))
    yield from product(_SYLLABLES, repeat=2)
    yield from ((_SPACE + first + second, third) for first, second, third in product(_SYLLABLES, repeat=3))


def build_tokenizer(words: int) -> Tokenizer:
    """A tokenizer of `words` ordinary tokens, and the special ones after them."""
    vocabulary = {token: at for at, token in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges = []
    for first, second in _merges():
        if len(vocabulary) == words:
            break
        vocabulary[first + second] = len(vocabulary)
        merges.append((first, second))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CUT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_tokens([AddedToken(token, special=token[1] == "|", normalized=False) for token in SPECIAL_TOKENS])
    return tokenizer


def write_tokenizer(folder: Path, words: int, context: int) -> None:
    """Writes `tokenizer.json` and `tokenizer_config.json`; `context` is in tokens."""
    build_tokenizer(words).save(str(folder / "tokenizer.json"), pretty=False)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "processor_class": "Qwen3VLProcessor",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "additional_special_tokens": [token for token in SPECIAL_TOKENS[1:] if token[1] == "|"],
        "model_max_length": context,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def text_of(tokens: int, rng: random.Random) -> str:
    """A text of exactly so many tokens in any of these tokenizers."""
    return "".join(f" {rng.choice(_SYLLABLES[:30])}{rng.choice(_SYLLABLES)}" for _ in range(tokens))
