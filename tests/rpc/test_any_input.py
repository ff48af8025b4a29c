"""Whatever comes through the pipe, it is served or refused; nothing else is ever raised."""

import json

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import to_json

from sidecar.errors import SidecarError
from sidecar.protocol.chat import ChatCompletionRequest
from sidecar.rpc.dispatch import error_response, validated
from sidecar.rpc.envelope import EnvelopeError, opened

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
requests = st.fixed_dictionaries(
    {}, optional={"jsonrpc": st.just("2.0") | values, "id": values, "method": st.text() | values, "params": values}
)
parts = st.fixed_dictionaries({}, optional={"type": st.sampled_from(["text", "image_url"]), "text": values})
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant"]) | values},
    optional={"content": values | st.lists(parts | values, max_size=3), "tool_calls": values, "name": values},
)
members = [
    "n",
    "tools",
    "stop",
    "seed",
    "temperature",
    "max_tokens",
    "stream",
    "model",
    "logit_bias",
    "response_format",
]
bodies = st.dictionaries(st.sampled_from(members) | st.text(max_size=8), values, max_size=6).flatmap(
    lambda body: st.lists(messages | values, max_size=3).map(lambda sent: {**body, "messages": sent})
)


def refusal(line: bytes) -> EnvelopeError | None:
    try:
        opened(line)
    except EnvelopeError as error:
        return error
    return None


@given(st.binary() | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_opened_or_refused(line: bytes) -> None:
    refused = refusal(line)
    assert refused is None or refused.error.kind in ("parse_error", "invalid_json_rpc", "invalid_params")


@given(requests)
@example({"jsonrpc": "2.0", "method": "ping", "id": 10**400})
def test_any_object_is_opened_or_refused_under_its_own_id_or_none(message: dict[str, object]) -> None:
    line = json.dumps(message).encode()
    refused = refusal(line)
    assert (refused.id if refused else opened(line).id) in (None, message.get("id"))


@given(bodies)
@example({"messages": [{"role": "user", "content": "x"}], "temperature": 10**400})
@example({"messages": [{"role": [], "content": "x"}]})
def test_any_body_of_a_chat_is_taken_or_refused_in_a_way_that_can_be_sent(body: dict[str, object]) -> None:
    kind = None
    try:
        validated(ChatCompletionRequest, body)
    except SidecarError as error:
        kind = to_json(error_response("a", error)) and error.kind
    assert kind in (None, "invalid_params", "invalid_request")
