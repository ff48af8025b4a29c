"""`models/…`, `chat/completions` and `engine/…` through the pipe: the real engine on a model of random weights."""

import base64
from pathlib import Path

import pytest

from tests.pipe import Pipe, RpcError
from tests.rpc.asking import MODEL, REPOSITORY, asking


def test_a_download_is_told_from_its_start_to_its_end(data_dir: Path, catalog: Path) -> None:
    with Pipe.sidecar(data_dir, catalog) as pipe:
        pipe.initialize()
        [listed] = pipe.request("models/list")["models"]
        assert (listed["id"], listed["state"]) == (MODEL, "absent")
        assert listed["mirrors"][0].startswith("http://127.0.0.1:")
        assert pipe.request("models/download")["state"] in ("downloading", "verifying")
        begun = pipe.notification("builtin-model-download-progress")
        assert begun["progress"] < 100
        assert begun["status"] == "downloading"
        completed = pipe.notification("builtin-model-download-completed")
        assert (completed["model_id"], completed["progress"], completed["status"]) == (MODEL, 100, "completed")
        assert "kind" not in completed
        status = pipe.request("models/status", {"modelId": MODEL})
        assert status["state"] == "ready"
        assert status["downloadedBytes"] == status["totalBytes"] == completed["total_bytes"]


def test_a_mirror_that_is_no_address_is_refused(chat: Pipe) -> None:
    with pytest.raises(RpcError) as caught:
        chat.request("models/download", {"mirror": "not an address"})
    assert caught.value.kind == "mirror_invalid"


def test_an_unknown_model_has_no_status(chat: Pipe) -> None:
    with pytest.raises(RpcError) as caught:
        chat.request("models/status", {"modelId": "nobody"})
    assert caught.value.kind == "model_not_found"


def test_an_answer_is_a_whole_chat_completion(chat: Pipe) -> None:
    answer = chat.request("chat/completions", asking("hello"), timeout=60)
    assert answer["object"] == "chat.completion"
    assert answer["model"] == MODEL
    [choice] = answer["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["finish_reason"] in ("stop", "length")
    usage = answer["usage"]
    assert 0 < usage["completion_tokens"] <= 8
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_a_streamed_answer_is_a_role_then_text_then_a_reason_and_its_whole_is_the_result(chat: Pipe) -> None:
    params = asking("hello", stream=True, stream_options={"include_usage": True}, model=REPOSITORY)
    request_id = chat.send("chat/completions", params)
    first, *pieces, reason, usage = list(chat.stream(request_id, timeout=60))
    answer = chat.result(request_id)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    text = "".join(piece["choices"][0]["delta"]["content"] for piece in pieces)
    assert text == answer["choices"][0]["message"]["content"]
    assert reason["choices"][0]["delta"] == {}
    assert reason["choices"][0]["finish_reason"] == answer["choices"][0]["finish_reason"]
    assert (usage["choices"], usage["usage"]) == ([], answer["usage"])
    assert {chunk["id"] for chunk in (first, *pieces, reason, usage)} == {answer["id"]}
    assert {chunk["object"] for chunk in (first, *pieces, reason)} == {"chat.completion.chunk"}
    assert all("usage" not in chunk for chunk in (first, *pieces, reason))


def test_the_last_chunk_of_a_stream_says_what_the_engine_measured_and_so_does_the_result(chat: Pipe) -> None:
    request_id = chat.send("chat/completions", asking("hello", stream=True, temperature=0))
    *others, last = list(chat.stream(request_id, timeout=60))
    answer = chat.result(request_id)

    timings = last["timings"]
    assert timings == answer["timings"]
    assert all("timings" not in chunk for chunk in others)
    assert set(timings) == {"queue_ms", "prefill_ms", "ttft_ms", "tokens_per_second"}
    assert min(timings["queue_ms"], timings["prefill_ms"]) >= 0
    assert timings["ttft_ms"] == pytest.approx(timings["queue_ms"] + timings["prefill_ms"], abs=0.01)
    assert timings["tokens_per_second"] > 0


def test_the_same_seed_gives_the_same_answer_streamed_or_not(chat: Pipe) -> None:
    answers = [
        chat.request("chat/completions", asking("hello", temperature=1, stream=stream))["choices"]
        for stream in (False, True)
    ]
    assert answers[0] == answers[1]


def test_a_cancelled_answer_stops_the_engine_and_the_next_one_is_served(chat: Pipe) -> None:
    request_id = chat.send("chat/completions", asking("hello", stream=True, max_tokens=2000, temperature=2))
    next(chat.stream(request_id, timeout=60))
    chat.cancel(request_id)
    for _ in chat.stream(request_id):
        pass
    with pytest.raises(RpcError) as caught:
        chat.result(request_id)
    assert caught.value.kind == "request_cancelled"
    status = chat.request("engine/status")
    while status["running"] != {"high": 0, "low": 0}:  # each wait is bounded, and the engine tells every change
        status = chat.notification("engine/status")
    assert chat.request("chat/completions", asking("hello"))["choices"]


@pytest.mark.parametrize(
    "url",
    [
        "attachment:" + "0" * 64,
        "attachment:../../etc/passwd",
        "https://example.org/picture.png",
        "data:image/png;base64," + base64.b64encode(b"not a picture").decode(),
        "data:image/png;base64,!",
    ],
)
def test_a_picture_that_cannot_be_used_is_refused_and_the_session_goes_on(chat: Pipe, url: str) -> None:
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "what is this"}]
    with pytest.raises(RpcError) as caught:
        chat.request("chat/completions", asking("") | {"messages": [{"role": "user", "content": content}]})
    assert caught.value.kind == "invalid_image"
    assert chat.request("ping") == {"pong": True}


@pytest.mark.parametrize("origin", ["proxy", "window"])
def test_another_program_gets_no_picture_by_its_digest_even_where_it_is_there(
    chat: Pipe, chat_folder: Path, origin: str
) -> None:
    name = "ab" * 32
    (chat_folder / "attachments").mkdir(exist_ok=True)
    (chat_folder / "attachments" / f"{name}.png").write_bytes(b"a person's, if no picture")
    picture = {"type": "image_url", "image_url": {"url": f"attachment:{name}"}}
    messages = [{"role": "user", "content": [picture]}]
    with pytest.raises(RpcError) as caught:
        chat.request("chat/completions", asking("", messages=messages, origin=origin))
    assert caught.value.kind == "invalid_image"
    assert (caught.value.data["details"]["reason"] == "unsupported_url") == (origin == "proxy")


def test_what_goes_with_a_stream_only_is_refused_without_one(chat: Pipe) -> None:
    with pytest.raises(RpcError) as caught:
        chat.request("chat/completions", asking("hello", stream_options={"include_usage": True}))
    assert caught.value.kind == "invalid_request"


def test_an_unloaded_model_is_loaded_again_by_the_next_request(chat: Pipe) -> None:
    chat.request("chat/completions", asking("hello"), timeout=60)
    loaded = chat.request("engine/status")
    assert (loaded["loaded"], loaded["modelId"]) == (True, MODEL)
    assert chat.request("models/unload")["loaded"] is False
    assert chat.request("chat/completions", asking("hello"), timeout=60)["choices"]
    assert chat.request("engine/status")["loaded"] is True


def test_what_is_said_in_a_chat_does_not_get_into_the_log(chat: Pipe, chat_folder: Path) -> None:
    answer = chat.request("chat/completions", asking("a confession", max_tokens=32))
    text = (chat_folder / "logs" / "sidecar.log").read_text()
    assert "chat/completions" in text
    assert "confession" not in text
    assert answer["choices"][0]["message"]["content"] not in text
