"""Each kind of bad line gets its own error, and the next request is served."""

import json

import pytest

from tests.pipe import MAX_LINE_BYTES, Json, Pipe, RpcError


def served(pipe: Pipe) -> bool:
    return pipe.request("ping") == {"pong": True}


def refused(pipe: Pipe, line: bytes, request_id: str | int | None = None) -> tuple[int, str]:
    pipe.write_bytes(line + b"\n")
    error: Json = pipe.response(request_id)["error"]
    assert isinstance(error["data"]["retryable"], bool)
    assert isinstance(error["data"]["details"], dict)
    return error["code"], error["data"]["kind"]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not JSON",
        b'{"jsonrpc": "2.0", "id',
        b'{"jsonrpc": "2.0", "id": NaN, "method": "ping"}',
        b'{"text": "\xff\xfe"}',
        b'{"text": "\\ud800"}',
        b"[" * 30_000,
    ],
    ids=["empty", "words", "cut", "NaN", "not UTF-8", "half a surrogate pair", "deeply nested"],
)
def test_a_line_that_is_not_json_is_a_parse_error_with_id_null(sidecar: Pipe, line: bytes) -> None:
    assert refused(sidecar, line) == (-32700, "parse_error")
    assert served(sidecar)


@pytest.mark.parametrize(
    "rest",
    [b'"\\ud800"}', b'"\xff"}', b"NaN}", b"[" * 30_000, b'"cut'],
    ids=["half a surrogate pair", "not UTF-8", "NaN", "deeply nested", "cut"],
)
def test_where_the_params_are_no_json_the_request_has_its_answer(sidecar: Pipe, rest: bytes) -> None:
    head = b'{"jsonrpc": "2.0", "id": "a", "method": "ping", "params": {"text": '
    assert refused(sidecar, head + rest, "a") == (-32700, "parse_error")
    assert refused(sidecar, head.replace(b'"a"', b'"params"') + rest, "params") == (-32700, "parse_error")
    assert served(sidecar)


def test_a_line_nested_too_deep_says_so_and_one_nested_less_is_served(sidecar: Pipe) -> None:
    head = b'{"jsonrpc": "2.0", "id": "a", "method": "chat/completions", "params": {"tools": '
    for deep in (b"[" * 250 + b"]" * 250, b'{"items": ' * 250 + b"1" + b"}" * 250):
        sidecar.write_bytes(head + deep + b"}}\n")
        error: Json = sidecar.response("a")["error"]
        assert (error["code"], error["data"]["kind"]) == (-32700, "parse_error")
        assert error["data"]["details"] == {"reason": "nested_too_deep", "limit": 200}
    assert refused(sidecar, head + b"[" * 150 + b"]" * 150 + b"}}", "a")[1] != "parse_error"
    sidecar.write_bytes(b"not JSON\n")
    assert sidecar.response(None)["error"]["data"]["details"] == {}
    assert served(sidecar)


@pytest.mark.parametrize(
    "message",
    [
        1,
        "text",
        None,
        [],
        [{"jsonrpc": "2.0", "id": "a", "method": "ping"}],
        {},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
        {"jsonrpc": "2.0", "id": 2**53, "method": "ping"},
        {"jsonrpc": "2.0", "id": "x" * 201, "method": "ping"},
        {"jsonrpc": "2.0", "id": {"a": 1}, "method": "ping"},
        {"jsonrpc": "2.0", "id": "a", "result": {}},
    ],
    ids=lambda message: json.dumps(message)[:60],
)
def test_json_that_is_not_one_request_is_invalid_with_id_null(sidecar: Pipe, message: object) -> None:
    assert refused(sidecar, json.dumps(message).encode()) == (-32600, "invalid_json_rpc")
    assert served(sidecar)


@pytest.mark.parametrize(
    "message",
    [
        {"id": "a", "method": "ping"},
        {"jsonrpc": "1.0", "id": "a", "method": "ping"},
        {"jsonrpc": "2.0", "id": "a", "method": 7},
        {"jsonrpc": "2.0", "id": "a", "method": "ping", "params": "text"},
        {"jsonrpc": "2.0", "id": "a", "method": "ping", "params": None},
        {"jsonrpc": "2.0", "id": "a", "method": "$/cancelRequest", "params": {"id": "b"}},
    ],
    ids=lambda message: json.dumps(message)[:80],
)
def test_an_invalid_request_is_answered_under_its_id_where_it_has_one(sidecar: Pipe, message: object) -> None:
    assert refused(sidecar, json.dumps(message).encode(), "a") == (-32600, "invalid_json_rpc")
    assert served(sidecar)


def test_an_unknown_method_is_not_found(sidecar: Pipe) -> None:
    assert refused(sidecar, b'{"jsonrpc": "2.0", "id": 7, "method": "no/such"}', 7) == (-32601, "method_not_found")
    assert served(sidecar)


@pytest.mark.parametrize(
    ("method", "params", "path"),
    [
        ("ping", {"extra": 1}, "extra"),
        ("models/status", {"modelId": 7}, "modelId"),
        ("models/download", {"mirror": ""}, "mirror"),
    ],
)
def test_params_that_do_not_fit_are_invalid_and_the_place_is_named(
    sidecar: Pipe, method: str, params: Json, path: str
) -> None:
    with pytest.raises(RpcError) as caught:
        sidecar.request(method, params)
    assert (caught.value.code, caught.value.kind) == (-32602, "invalid_params")
    assert path in [error["path"] for error in caught.value.data["details"]["errors"]]
    assert served(sidecar)


def test_params_by_position_are_invalid(sidecar: Pipe) -> None:
    line = b'{"jsonrpc": "2.0", "id": "a", "method": "ping", "params": []}'
    assert refused(sidecar, line, "a") == (-32602, "invalid_params")
    assert served(sidecar)


def test_params_may_be_called_like_names_of_python(probe: Pipe) -> None:
    assert probe.request("probe/oddNames", {"call": "a", "self": "b"}) == {}


def test_a_member_that_would_change_the_answer_is_refused_by_name(sidecar: Pipe) -> None:
    with pytest.raises(RpcError) as caught:
        sidecar.request("chat/completions", {"messages": [{"role": "user", "content": "x"}], "audio": {"voice": "ash"}})
    assert caught.value.kind == "invalid_request"
    assert caught.value.data["details"] == {"member": "audio"}
    assert served(sidecar)


def test_a_model_that_nobody_knows_is_not_found(sidecar: Pipe) -> None:
    with pytest.raises(RpcError) as caught:
        sidecar.request("chat/completions", {"messages": [{"role": "user", "content": "x"}], "model": "gpt-4o"})
    assert caught.value.kind == "model_not_found"
    assert served(sidecar)


def test_a_model_that_is_not_on_disk_is_not_ready_and_may_be_asked_again(sidecar: Pipe) -> None:
    with pytest.raises(RpcError) as caught:
        sidecar.request("chat/completions", {"messages": [{"role": "user", "content": "x"}], "stream": True})
    assert caught.value.kind == "model_not_ready"
    assert caught.value.data["retryable"] is True
    assert served(sidecar)


def test_an_over_long_line_is_discarded_to_its_newline_and_the_next_one_is_served(sidecar: Pipe) -> None:
    sidecar.write_bytes(b'{"jsonrpc": "2.0", "id": "long", "method": "ping", "params": {"x": "')
    for _ in range(MAX_LINE_BYTES // 2**20 + 1):
        sidecar.write_bytes(b"x" * 2**20)
    sidecar.write_bytes(b'"}}\n')
    error = sidecar.response(None)["error"]
    assert error["data"]["kind"] == "line_too_long"
    assert error["data"]["details"] == {"limit": MAX_LINE_BYTES}
    assert served(sidecar)


def test_a_line_of_exactly_the_limit_is_served(probe: Pipe) -> None:
    head, tail = b'{"jsonrpc":"2.0","id":"a","method":"ping","params":{},"x":"', b'"}'
    probe.write_bytes(head + b"x" * (MAX_LINE_BYTES - len(head) - len(tail)) + tail + b"\n")
    assert probe.result("a") == {"pong": True}


def test_an_over_long_answer_is_refused_by_its_sender_so_that_the_id_is_answered(probe: Pipe) -> None:
    with pytest.raises(RpcError) as caught:
        probe.request("probe/long", {"bytes": MAX_LINE_BYTES + 1})
    assert caught.value.kind == "line_too_long"
    assert served(probe)


def test_an_over_long_notification_fails_its_request_and_nothing_else(probe: Pipe) -> None:
    with pytest.raises(RpcError) as caught:
        probe.request("probe/longNote", {"bytes": MAX_LINE_BYTES + 1})
    assert caught.value.kind == "line_too_long"
    assert served(probe)


def test_an_unknown_notification_is_ignored(sidecar: Pipe) -> None:
    sidecar.notify("no/such", {})
    assert served(sidecar)
    assert sidecar.kept() == []


@pytest.mark.parametrize("params", [{}, {"id": None}, {"id": ["a"]}, {"id": "nobody's"}, {"id": "a", "extra": 1}])
def test_a_cancellation_of_nothing_is_ignored(sidecar: Pipe, params: Json) -> None:
    sidecar.notify("$/cancelRequest", params)
    assert served(sidecar)
    assert sidecar.kept() == []


def test_an_id_in_use_is_refused_without_answering_the_running_request(probe: Pipe) -> None:
    probe.send("probe/hang", request_id="a")
    probe.send("ping", request_id="a")
    error = probe.response(None)["error"]
    assert error["data"]["kind"] == "invalid_json_rpc"
    assert error["data"]["details"] == {"id": "a"}
    probe.cancel("a")
    assert probe.response("a")["error"]["code"] == -32800


def test_an_unexpected_exception_is_an_internal_error_without_its_words(probe: Pipe) -> None:
    with pytest.raises(RpcError) as caught:
        probe.request("probe/fail", {"text": "something private"})
    assert (caught.value.code, caught.value.kind) == (-32603, "internal_error")
    assert "private" not in str(caught.value)
    assert served(probe)


def test_a_result_that_does_not_fit_its_schema_never_leaves(probe: Pipe) -> None:
    with pytest.raises(RpcError) as caught:
        probe.request("probe/wrong")
    assert caught.value.kind == "internal_error"
    assert served(probe)
