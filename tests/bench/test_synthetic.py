"""The models of random weights are what the figures claim they are."""

from __future__ import annotations

import json
import random

import llguidance
import llguidance.hf
import pytest
from transformers import PreTrainedTokenizerFast

from tests.bench.geometry import GEOMETRIES
from tests.bench.repository import Repository
from tests.bench.setting import Setting
from tests.bench.vocabulary import QWEN_TOKENS, build_tokenizer, text_of


@pytest.mark.parametrize("words", sorted({geometry.words for geometry in GEOMETRIES.values()}))
def test_a_text_has_exactly_the_tokens_it_was_asked_to_have(words: int) -> None:
    text = text_of(500, random.Random(3))
    encoding = build_tokenizer(words).encode(f"<|im_start|>user\n{text}<|im_end|>")
    alone = build_tokenizer(words).encode("<|im_start|>user\n<|im_end|>")
    assert len(encoding.ids) - len(alone.ids) == 500


def test_the_large_vocabulary_has_qwens_size_and_its_special_tokens_have_qwens_ids() -> None:
    tokenizer = build_tokenizer(QWEN_TOKENS)
    assert tokenizer.get_vocab_size() == 151_669
    assert tokenizer.token_to_id("<|im_end|>") == 151_645
    assert tokenizer.token_to_id("<|image_pad|>") == 151_655
    assert tokenizer.token_to_id("</think>") == 151_668


def test_any_text_survives_the_tokenizer() -> None:
    tokenizer = build_tokenizer(4096)
    text = '{"naïve": ["東京", 1.5e3]}\n\tdone  🙂'
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_a_grammar_can_be_held_by_its_tokens() -> None:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=build_tokenizer(4096), eos_token="<|im_end|>")
    grammar = llguidance.LLMatcher.grammar_from_json_schema({"type": "object", "required": ["a"]})
    matcher = llguidance.LLMatcher(llguidance.hf.from_tokenizer(tokenizer), grammar)
    assert matcher.consume_tokens(tokenizer.encode('{"a":"ba'))
    assert not matcher.is_error()


def test_a_greedy_answer_runs_to_its_limit_and_is_whole_text(setting: Setting) -> None:
    with setting.sidecar() as client:
        answer = client.chat("hello", max_tokens=50)
        assert answer.tokens == len(answer.arrivals) == 50
        assert answer.text.isascii()


def test_a_model_that_was_built_is_not_built_again(tiny: Repository) -> None:
    config = tiny.folder / "config.json"
    before = config.stat().st_mtime_ns
    assert Repository.of("tiny", tiny.folder.parents[1]) == tiny
    assert config.stat().st_mtime_ns == before
    assert json.loads(config.read_text())["text_config"]["num_hidden_layers"] == 2
