"""Each request's own parameters, also in a batch that it shares."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from sidecar.errors import InvalidRequest
from tests.engine.conftest import Answer, Bench
from tests.engine.synthetic import tokens

LETTER = tokens()[b"a"]

WARM: dict[str, Any] = {"temperature": 1.0, "max_tokens": 24}


async def test_a_greedy_row_beside_a_drawn_one_equals_its_solo_run(bench: Bench) -> None:
    solo = await bench.ask("hello", max_tokens=24)

    greedy, *_ = await asyncio.gather(
        bench.ask("hello", max_tokens=24), bench.ask("hello", **WARM), bench.ask("hello", **WARM | {"top_k": 40})
    )

    assert greedy.text == solo.text


async def test_two_unseeded_answers_differ(bench: Bench) -> None:
    one, other = await asyncio.gather(bench.ask("hello", **WARM), bench.ask("hello", **WARM))

    assert one.text != other.text


@pytest.mark.parametrize(
    "members",
    [
        {"top_k": 5},
        {"min_p": 0.2},
        {"presence_penalty": 1.5, "frequency_penalty": 0.5},
        {"logit_bias": {100: 5.0, 101: -100.0}},
        {"schema": {"type": "object"}, "logit_bias": {100: 5.0}},
        {"temperature": 0.0, "frequency_penalty": 2.0},
        {"top_logprobs": 3},
    ],
    ids=str,
)
async def test_every_parameter_answers_the_same_alone_and_in_company(bench: Bench, members: dict[str, Any]) -> None:
    asked = WARM | {"seed": 9} | members
    alone = await bench.ask("hello", **asked)

    beside, *_ = await asyncio.gather(
        bench.ask("hello", **asked), bench.ask("hello", max_tokens=30), bench.ask("a longer question " * 9, **WARM)
    )

    assert beside.pieces == alone.pieces


async def test_one_likeliest_token_is_the_greedy_answer(bench: Bench) -> None:
    greedy = await bench.ask("hello")

    for members in ({"top_k": 1}, {"min_p": 1.0}, {"top_p": 0.0}):
        assert (await bench.ask("hello", temperature=1.0, **members)).text == greedy.text


async def tokens_of(bench: Bench, **members: Any) -> list[bytes]:
    return [each.token for each in (await bench.ask("hello", top_logprobs=0, **members)).logprobs]


async def test_a_bias_of_minus_hundred_forbids_a_token_and_one_of_plus_hundred_is_taken(bench: Bench) -> None:
    free = await bench.ask("hello", top_logprobs=1)
    forbidden = {tokens()[each.token] for each in free.logprobs}

    without = await tokens_of(bench, logit_bias=dict.fromkeys(forbidden, -100))
    only = await tokens_of(bench, logit_bias={LETTER: 100})

    assert not {each.token for each in free.logprobs} & set(without)
    assert set(only) == {b"a"}


async def test_a_bias_for_a_token_that_the_model_has_not_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await bench.ask("hello", logit_bias={10**6: 1.0})

    assert refused.value.details == {"member": "logit_bias"}


async def test_penalties_keep_a_loop_from_going_on(bench: Bench) -> None:
    # A bias makes the model say one token for ever; each time it was said costs two.
    looping = await tokens_of(bench, max_tokens=40, logit_bias={LETTER: 30})
    penalised = await tokens_of(bench, max_tokens=40, logit_bias={LETTER: 30}, frequency_penalty=2)

    assert len(set(looping)) == 1
    assert len(set(penalised)) > 10
    assert penalised[:3] == looping[:3]


async def test_a_presence_penalty_counts_once(bench: Bench) -> None:
    once = await tokens_of(bench, max_tokens=40, logit_bias={LETTER: 60}, presence_penalty=2)

    assert len(set(once)) == 1


async def test_logprobs_are_the_model_s_own_and_the_drawn_token_is_among_the_likeliest(bench: Bench) -> None:
    greedy = await bench.ask("hello", top_logprobs=3, max_tokens=12)
    plain = await bench.ask("hello", max_tokens=12)

    assert greedy.text == plain.text
    assert len(greedy.logprobs) == 12
    for each in greedy.logprobs:
        values = [other.logprob for other in each.top]
        assert values == sorted(values, reverse=True)
        assert each.token == each.top[0].token
        assert each.logprob == pytest.approx(each.top[0].logprob)
        assert 0 < math.exp(each.logprob) <= 1
    assert b"".join(each.token for each in greedy.logprobs).decode(errors="replace").startswith(greedy.text[:10])


async def test_a_bias_does_not_change_what_the_model_thought(bench: Bench) -> None:
    free = await bench.ask("hello", top_logprobs=1, max_tokens=1)
    biased = await bench.ask("hello", top_logprobs=1, max_tokens=1, logit_bias={LETTER: 100})

    assert biased.logprobs[0].top == free.logprobs[0].top
    assert biased.logprobs[0].logprob < free.logprobs[0].logprob


async def test_several_choices_are_those_of_the_seeds_that_follow(bench: Bench) -> None:
    choices = await bench.ask_for(3, "hello", **WARM, seed=5)
    alone = [await bench.ask("hello", **WARM, seed=seed) for seed in (5, 6, 7)]

    assert [choice.text for choice in choices] == [answer.text for answer in alone]
    assert len({choice.text for choice in choices}) == 3
    assert {choice.end.prompt_tokens for choice in choices} == {alone[0].end.prompt_tokens}


async def test_more_choices_than_rows_are_all_answered_and_one_cancel_ends_them_all(bench: Bench) -> None:
    asked = [bench.ask_for(4, "hello", max_tokens=4) for _ in range(3)]
    answers: list[list[Answer]] = await asyncio.gather(*asked)
    assert all(len(choices) == 4 for choices in answers)

    stream = bench.stream("hello", n=4, max_tokens=2000, temperature=1.0)
    async for _ in stream:
        break
    await stream.aclose()
    status = await bench.until(lambda status: status.running.low == 0 and status.queued.low == 0)
    assert status.loaded


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("temperature", 9),
        ("temperature", math.nan),
        ("top_k", -2),
        ("min_p", 1.5),
        ("presence_penalty", 3),
        ("frequency_penalty", -3),
        ("max_tokens", 0),
        ("max_tokens", 10**9),
        ("top_logprobs", 21),
        ("n", 5),
        ("n", 0),
        ("logit_bias", {5: 101}),
        ("logit_bias", {-1: 1}),
        ("stop", [""]),
    ],
)
async def test_a_parameter_out_of_its_range_is_refused_by_name(bench: Bench, member: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        async for _ in bench.stream("hello", **{member: value}):
            pass

    assert refused.value.details == {"member": member}
