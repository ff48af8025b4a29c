import json
import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.errors import MirrorFailed
from sidecar.rpc import log as json_log
from tests.pipe import Json, Pipe, RpcError
from tests.rpc.asking import MODEL, asking


def lines(data_dir: Path) -> list[Json]:
    return [json.loads(line) for line in (data_dir / "logs" / "sidecar.log").read_text().splitlines()]


def test_the_data_folder_and_all_in_it_is_its_owners_only(sidecar: Pipe, data_dir: Path) -> None:
    sidecar.request("ping")
    for path in (data_dir, *data_dir.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_data_folder_that_was_open_is_closed_at_the_start(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o755)
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700


def test_the_log_tells_of_each_request_its_method_its_id_and_its_outcome(sidecar: Pipe, data_dir: Path) -> None:
    sidecar.request("ping")
    with pytest.raises(RpcError):
        sidecar.request("no/such")
    done = [line for line in lines(data_dir) if line.get("event") == "request done"]
    assert [(line["method"], line["outcome"]) for line in done] == [("ping", "result"), ("no/such", "method_not_found")]
    assert all(line["id"] and line["seconds"] >= 0 and line["time"].endswith("Z") for line in done)


def test_no_content_of_a_chat_or_of_an_exception_gets_into_the_log(probe: Pipe, data_dir: Path) -> None:
    secret = "my grandmother's recipe"
    for method in ("probe/echo", "probe/failLater", "probe/fail", "probe/wrong", "no/such"):
        with _nothing() if method in ("probe/echo", "probe/failLater") else pytest.raises(RpcError):
            probe.request(method, {"text": secret} if method != "probe/wrong" else {})
    with pytest.raises(RpcError):
        probe.request("probe/echo", {"text": [secret]})
    probe.write_bytes(secret.encode() + b"\n")
    probe.response(None)
    logged = [line for line in lines(data_dir) if line["level"] == "error"]
    assert [line["exception"]["type"] for line in logged] == ["RuntimeError", "RuntimeError", "InternalError"]
    assert logged[0]["event"] == "error in the event loop"
    for path in (data_dir / "logs").iterdir():
        assert "grandmother" not in path.read_text()
    assert "grandmother" not in probe.stderr


def test_an_exception_is_logged_with_its_type_and_its_place(probe: Pipe, data_dir: Path) -> None:
    with pytest.raises(RpcError):
        probe.request("probe/fail", {"text": "x"})
    [line] = [line for line in lines(data_dir) if line["level"] == "error"]
    assert line["exception"]["type"] == "RuntimeError"
    assert "probe.py" in line["exception"]["at"][-1]


def test_the_log_tells_of_each_answer_which_model_gave_it(chat: Pipe, chat_folder: Path) -> None:
    chat.request("chat/completions", asking("hello"), timeout=60)

    for beginning in ("Queue size: ", "Processing request with ", "Request processed in "):
        line = next(line for line in reversed(lines(chat_folder)) if line.get("message", "").startswith(beginning))
        assert line["model_id"] == MODEL


@pytest.fixture
def root_log(tmp_path: Path) -> Iterator[logging.Logger]:
    """The process's log, sent to a folder of the test's own."""
    root = logging.getLogger()
    kept = (list(root.handlers), root.level, logging.raiseExceptions, logging.getLogger("sidecar").level)
    json_log.start(tmp_path / "logs")
    yield root
    for handler in [handler for handler in root.handlers if handler not in kept[0]]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(kept[1])
    logging.raiseExceptions = kept[2]
    logging.getLogger("sidecar").setLevel(kept[3])


def test_a_line_says_its_text_once_and_how_it_stands_in_the_source_where_something_was_filled_in(
    root_log: logging.Logger, tmp_path: Path
) -> None:
    own = root_log.getChild("sidecar.rpc")
    own.info("left")
    own.info("%s: %d bytes were cleared", "cache", 7)
    root_log.getChild("httpx").warning("GET /private")
    texts = [
        {name: line[name] for name in ("event", "values", "message") if name in line}
        for line in map(json.loads, (tmp_path / "logs" / "sidecar.log").read_text().splitlines())
    ]
    assert texts == [
        {"event": "left"},
        {"event": "%s: %d bytes were cleared", "values": [None, 7], "message": "cache: 7 bytes were cleared"},
        {"message": "GET /private"},
    ]


def test_the_log_is_at_most_five_files_of_5_mb(root_log: logging.Logger, tmp_path: Path) -> None:
    for _ in range(30):
        root_log.warning("x" * 1_000_000)
    files = sorted((tmp_path / "logs").iterdir())
    assert len(files) == 5
    assert all(path.stat().st_size <= 5_000_000 for path in files)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)


def test_an_error_of_ours_is_logged_with_its_kind_and_its_cause(root_log: logging.Logger, tmp_path: Path) -> None:
    try:
        raise MirrorFailed("the mirror answered 500") from ConnectionError("private")
    except MirrorFailed:
        root_log.exception("download failed")
    line = json.loads((tmp_path / "logs" / "sidecar.log").read_text())
    assert line["exception"]["kind"] == "mirror_failed"
    assert line["exception"]["cause"]["type"] == "ConnectionError"
    assert "private" not in json.dumps(line)


class _nothing:  # noqa: N801 - reads like the pytest.raises beside it
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...
