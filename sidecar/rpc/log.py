"""The log in the data folder: JSON lines, five files of 5 MB, readable by their owner only.

No content of chats or files gets into it: our own code logs names, numbers and kinds; an exception is logged as its
type and its place, because its message may quote what a person wrote; libraries are heard from warnings on.

What is exported for a report is less: of our own lines the text as it stands in the source (`event`), and the numbers
among its arguments (`values`). A line without `event` is exported by nobody, so that it is `message` that is left out
where the two are the same.
"""

import json
import logging
import os
import time
import traceback
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from sidecar.errors import SidecarError

FILE_NAME = "sidecar.log"
FILE_BYTES = 5_000_000
FILES = 5

_OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, event or message or both, and whatever came in `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        is_own = record.name.startswith("sidecar")
        if is_own:
            line["event"] = str(record.msg)
            if isinstance(record.args, tuple) and record.args:
                line["values"] = [each if isinstance(each, int | float) else None for each in record.args]
        if not is_own or record.args:
            line["message"] = record.getMessage()
        line |= {key: value for key, value in vars(record).items() if key not in _OWN_ATTRIBUTES}
        if record.exc_info and record.exc_info[1]:
            line["exception"] = _described(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


class _PrivateFile(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        def private(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        return open(self.baseFilename, "a", encoding="utf-8", opener=private)


def start(folder: Path) -> None:
    """Sends the log of this process to `folder`, which is made if need be.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    handler = _PrivateFile(folder / FILE_NAME, maxBytes=FILE_BYTES, backupCount=FILES - 1)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("sidecar").setLevel(logging.INFO)
    # A full disk must not fill stderr with the log's own tracebacks.
    logging.raiseExceptions = False


def _described(error: BaseException) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": type(error).__name__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)],
    }
    if isinstance(error, SidecarError):
        described |= {"kind": error.kind, "message": error.message}
    if error.__cause__:
        described["cause"] = _described(error.__cause__)
    return described
