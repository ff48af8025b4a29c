import json
import time

import pytest

from sidecar.rpc.dispatch import HEAVY_BYTES
from tests.pipe import Pipe, RpcError


def test_a_request_that_takes_long_does_not_hold_up_the_others(probe: Pipe) -> None:
    hanging = probe.send("probe/hang")
    assert probe.request("ping") == {"pong": True}
    probe.cancel(hanging)
    assert probe.response(hanging)["error"]["code"] == -32800


def test_a_request_arrives_when_its_line_does_and_not_when_its_turn_comes(probe: Pipe) -> None:
    # Less than a pipe takes in one piece.
    echoes = [{"jsonrpc": "2.0", "id": number, "method": "probe/echo", "params": {"text": ""}} for number in range(40)]
    last = {"jsonrpc": "2.0", "id": "last", "method": "probe/arrived"}
    sent = time.monotonic()
    probe.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in [*echoes, last]))
    probe.response(0)
    answered = time.monotonic()
    assert sent <= probe.result("last")["seconds"] <= answered


def test_what_is_long_to_look_at_does_not_hold_up_the_others(probe: Pipe) -> None:
    assert probe.request("probe/looked", {"text": "x"}) == {"text": "MainThread"}
    assert probe.request("probe/looked", {"text": "x" * HEAVY_BYTES})["text"] != "MainThread"
    with pytest.raises(RpcError) as caught:
        probe.request("probe/looked", {"text": "x" * HEAVY_BYTES, "thread": 1})
    assert caught.value.kind == "invalid_params"


def test_a_cancelled_request_still_answers_and_is_cleaned_up(probe: Pipe) -> None:
    hanging = probe.send("probe/hang")
    assert probe.request("ping")  # served after it, so it runs by now
    probe.cancel(hanging)
    with pytest.raises(RpcError) as caught:
        probe.result(hanging)
    assert (caught.value.code, caught.value.kind) == (-32800, "request_cancelled")
    assert probe.request("probe/hangsEnded") == {"count": 1}


def test_a_request_cancelled_before_it_began_still_answers(probe: Pipe) -> None:
    lines = [
        {"jsonrpc": "2.0", "id": "a", "method": "probe/hang"},
        {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "a"}},
    ]
    for _ in range(20):
        probe.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        assert probe.response("a")["error"]["code"] == -32800


def test_a_request_cancelled_twice_answers_once(probe: Pipe) -> None:
    hanging = probe.send("probe/hang")
    probe.cancel(hanging)
    probe.cancel(hanging)
    probe.response(hanging)
    assert probe.request("ping") == {"pong": True}
    assert probe.kept() == []


def test_an_answered_id_may_be_used_again_and_numbers_are_ids_too(probe: Pipe) -> None:
    for _ in range(3):
        probe.send("probe/echo", {"text": "x"}, request_id=1)
        assert probe.result(1) == {"text": "x"}


def test_a_number_and_a_text_are_different_ids(probe: Pipe) -> None:
    probe.send("probe/hang", request_id="1")
    probe.send("probe/hang", request_id=1)
    assert probe.request("ping")
    probe.cancel(1)
    assert probe.response(1)["error"]["code"] == -32800
    assert probe.request("probe/hangsEnded") == {"count": 1}


@pytest.mark.parametrize("text", ["", "naïve 东京 🎈", '\u2028 \u0000 " \\ \n\r\t', "x" * 5_000_000])
def test_text_comes_back_as_it_was_sent(probe: Pipe, text: str) -> None:
    assert probe.request("probe/echo", {"text": text}) == {"text": text}


def test_a_thousand_requests_at_once_are_all_answered(probe: Pipe) -> None:
    ids = [probe.send("probe/echo", {"text": str(number)}) for number in range(1000)]
    assert [probe.result(request_id)["text"] for request_id in ids] == [str(number) for number in range(1000)]


def test_requests_in_one_write_or_in_single_bytes_are_served_alike(probe: Pipe) -> None:
    lines = [json.dumps({"jsonrpc": "2.0", "id": n, "method": "ping"}).encode() + b"\r\n" for n in range(3)]
    probe.write_bytes(b"".join(lines))
    assert [probe.result(n) for n in range(3)] == [{"pong": True}] * 3
    for byte in lines[0]:
        probe.write_bytes(bytes([byte]))
    assert probe.result(0) == {"pong": True}


def test_an_answer_that_cannot_be_written_is_an_internal_error_and_the_session_goes_on(probe: Pipe) -> None:
    with pytest.raises(RpcError) as caught:
        probe.request("probe/unwritable")
    assert caught.value.kind == "internal_error"
    assert probe.request("ping") == {"pong": True}
