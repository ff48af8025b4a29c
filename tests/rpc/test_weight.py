"""What a line would cost is told from its bytes, and as if it had been parsed."""

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.protocol import MODULES
from sidecar.rpc import weight
from sidecar.rpc.transport import LineSplitter, TooHeavy
from tests.pipe import Pipe, RpcError

texts = st.text(st.sampled_from('a"\\,:[]{}é\n'), max_size=8)
documents = st.recursive(
    st.none() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
)


def values(document: Any) -> int:
    """How often a value of the document's text begins with a bracket or is parted from the one before."""
    if not isinstance(document, dict | list):
        return 0
    within = list(document.values()) if isinstance(document, dict) else document
    return 1 + max(0, len(within) - 1) + sum(map(values, within))


@given(documents, st.integers(0, 12), st.booleans())
def test_a_line_is_too_heavy_by_its_values_whatever_its_texts_hold(document: Any, most: int, ascii_only: bool) -> None:
    line = json.dumps(document, ensure_ascii=ascii_only).encode()
    with patch.object(weight, "MAX_VALUES", most):
        assert (weight.excess(line) == "values") == (values(document) > most)
    assert weight.costly_bytes(line) >= values(document)


def test_a_heavy_line_is_not_kept_while_it_goes_on() -> None:
    splitter = LineSplitter()
    for _ in range(100):
        assert list(splitter.feed(b"[1,1,1,1,1," * 1000)) == []
        assert len(splitter._partial) < 11_000 * 8
    refused, after = splitter.feed(b"\nnext\n")
    assert isinstance(refused, TooHeavy)
    assert after == b"next"


@pytest.mark.parametrize(
    ("params", "waits"),
    [
        ({"messages": [], "priority": 10}, True),
        ({"messages": []}, True),
        ({"messages": [], "priority": 1}, False),
        ({"priority": 1, "messages": []}, False),
        ({"messages": [{"role": "user", "content": '"priority": 1,'}], "priority": 10}, True),
        ({"messages": [{"role": "user", "content": '"priority": 10,'}], "priority": 1}, False),
        ({"tools": [{"priority": {"type": "integer"}}], "priority": 1}, False),
        ({"tools": [{"priority": {"type": "integer"}}]}, True),
    ],
    ids=str,
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\t", " :\t")], ids=["compact", "usual", "wide"])
def test_a_chat_that_can_wait_is_known_by_its_bytes(
    params: dict[str, Any], waits: bool, separators: tuple[str, str]
) -> None:
    assert "chat/completions" in MODULES
    message = {"jsonrpc": "2.0", "id": "a", "method": "chat/completions", "params": params}
    assert weight.can_wait(json.dumps(message, separators=separators).encode()) == waits


@pytest.mark.parametrize("method", [name for name in MODULES if name != "chat/completions"])
def test_everything_else_is_a_persons(method: str) -> None:
    message = {"jsonrpc": "2.0", "id": "a", "method": method, "params": {"title": "chat/completions"}}
    assert not weight.can_wait(json.dumps(message).encode())


@pytest.mark.parametrize(
    ("tail", "limit"),
    [
        ("1," * 40_000 + "1]", 2**15),
        ("[]," * 40_000 + "1]", 2**15),
        ('"a",' * 40_000 + "1]", 2**15),
        ('"' + "\\n" * 1_100_000 + '"]', 2**20),
    ],
    ids=["numbers", "lists", "texts", "escapes"],
)
def test_a_line_of_too_many_values_is_refused_under_its_id(sidecar: Pipe, tail: str, limit: int) -> None:
    head = '{"jsonrpc": "2.0", "id": "a", "method": "ping", "params": {"x": ['
    sidecar.write_bytes(f"{head}{tail}}}}}\n".encode())
    error = RpcError(sidecar.response("a")["error"])
    assert (error.kind, error.data["details"]) == ("line_too_long", {"limit": limit})
    assert sidecar.request("ping") == {"pong": True}


def test_a_text_may_hold_as_many_commas_as_fit(probe: Pipe) -> None:
    text = 'a, "b", [c], {d}, ' * 50_000
    assert probe.request("probe/echo", {"text": text}) == {"text": text}
