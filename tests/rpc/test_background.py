"""What can wait does, behind whatever a person sends."""

import json
from pathlib import Path

from tests.pipe import Json, Pipe, RpcError
from tests.unit.store.conftest import locked

MANY = 500


def line(request_id: str, method: str = "chat/completions", **params: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}).encode() + b"\n"


def cancellation(request_id: str) -> bytes:
    message = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": request_id}}
    return json.dumps(message).encode() + b"\n"


def batch(count: int = MANY) -> bytes:
    return b"".join(line(f"low {number}", priority=10) for number in range(count))


def test_a_person_passes_a_batch_that_was_sent_before(probe: Pipe) -> None:
    probe.write_bytes(batch() + line("high", priority=1))
    assert probe.result("high")["count"] < MANY / 10
    assert {probe.result(f"low {number}")["count"] for number in range(MANY)} <= set(range(MANY + 1))


def test_a_batch_that_waits_is_not_looked_through_for_garbage(probe: Pipe) -> None:
    before = probe.request("probe/fullLooks")
    probe.write_bytes(b"".join(line(f"hanging {number}", "probe/hang") for number in range(5000)))
    assert probe.request("probe/fullLooks") == before


def test_the_batch_keeps_its_order(probe: Pipe) -> None:
    probe.write_bytes(batch(50))
    assert [probe.result(f"low {number}")["count"] for number in range(50)] == list(range(50))


def test_a_cancellation_finds_a_request_that_waits_to_be_opened(probe: Pipe) -> None:
    hanging = b"".join(line(f"low {number}", hangs=True) for number in range(MANY))
    cancellations = b"".join(cancellation(f"low {number}") for number in range(MANY))
    probe.write_bytes(hanging + cancellations + line("high", priority=1))
    assert probe.result("high")["count"] < MANY / 10
    assert {error_of(probe, f"low {number}") for number in range(MANY)} == {"request_cancelled"}


def test_a_cancellation_of_the_batch_is_answered_with_that(chat: Pipe) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    chat.write_bytes(line("one", messages=messages, max_tokens=2000, priority=10) + cancellation("one"))
    assert error_of(chat, "one") == "request_cancelled"


def test_one_of_the_batch_that_is_on_its_way_is_cancelled_at_once(sidecar: Pipe, data_dir: Path) -> None:
    with locked(data_dir / "knowledge-focus.db"):  # which says who answers
        holding_up = sidecar.send("settings/set", {"key": "unloadMinutes", "value": 7})
        sidecar.write_bytes(line("one", messages=[{"role": "user", "content": "Hello"}], priority=10))
        sidecar.request("ping")
        sidecar.cancel("one")
        assert error_of(sidecar, "one") == "request_cancelled"
        assert holding_up not in [message.get("id") for message in sidecar.kept()]


def test_each_of_a_batch_is_answered_when_the_process_leaves(probe: Pipe) -> None:
    probe.write_bytes(batch() + line("leave", "shutdown"))
    answers = [probe.response(f"low {number}") for number in range(MANY)]
    assert {answer["error"]["data"]["kind"] for answer in answers if "error" in answer} == {"request_cancelled"}


def test_an_id_in_use_is_refused_in_the_background_as_well(probe: Pipe) -> None:
    probe.send("probe/hang", request_id="a")
    probe.write_bytes(line("a", priority=10))
    assert error_of(probe, None) == "invalid_json_rpc"
    probe.cancel("a")
    assert error_of(probe, "a") == "request_cancelled"


def test_the_handshake_comes_before_the_batch(data_dir: Path) -> None:
    with Pipe.sidecar(data_dir, module="tests.rpc.probe") as pipe:
        pipe.write_bytes(line("a", priority=10))
        pipe.initialize()
        assert error_of(pipe, "a") == "not_initialized"


def error_of(pipe: Pipe, request_id: str | None) -> str:
    response: Json = pipe.response(request_id)
    return RpcError(response["error"]).kind
