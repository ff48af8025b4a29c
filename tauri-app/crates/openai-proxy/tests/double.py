"""Stands in for the sidecar where a test needs what the real one cannot be told to do. The last message says what:

    echo            answers with the params that it got
    count N         N chunks, as fast as they go
    wait NAME       answers when `release NAME` comes
    release NAME    answers at once
    cancelled N     answers when N requests were cancelled since this process began
    begun N         answers when N requests of `wait` have come
    flood N         N chunks of 1 kB, and then no end
    endless         chunks until it is cancelled
    die             ends the process; in the next one it answers
    fail KIND       an error
"""

import json
import os
import sys
import threading
from pathlib import Path

out, changed = threading.Lock(), threading.Condition()
cancelled: set[str] = set()
released: set[str] = set()
begun: list[str] = []


def send(message):
    line = json.dumps({"jsonrpc": "2.0"} | message, separators=(",", ":"))
    with out:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def until(condition):
    with changed:
        changed.wait_for(condition)


def chunk(request_id, text):
    body = {"choices": [{"index": 0, "delta": {"content": text}}]}
    send({"method": "chat/chunk", "params": {"requestId": request_id, "chunk": body}})


def complete(request_id, params):
    verb, _, rest = params["messages"][-1]["content"].partition(" ")
    text = ""
    match verb:
        case "echo":
            text = json.dumps(params)
        case "count":
            for number in range(int(rest)):
                chunk(request_id, str(number))
        case "wait":
            with changed:
                begun.append(request_id)
                changed.notify_all()
            until(lambda: rest in released or request_id in cancelled)
        case "release":
            with changed:
                released.add(rest)
                changed.notify_all()
        case "cancelled":
            until(lambda: len(cancelled) >= int(rest))
        case "begun":
            until(lambda: len(begun) >= int(rest))
            text = str(len(begun))
        case "flood":
            for _ in range(int(rest)):
                chunk(request_id, "x" * 1000)
            until(lambda: request_id in cancelled)
        case "endless":
            while request_id not in cancelled:
                chunk(request_id, "x" * 1000)
        case "die":
            mark = Path(sys.argv[1]) / f"died-{rest}"
            if not mark.exists():
                mark.touch()
                if "chunk" in rest:
                    chunk(request_id, "before")
                os._exit(1)
            text = "alive"
        case "fail":
            data = {"kind": rest, "retryable": False, "details": {"member": "messages"}}
            return send({"id": request_id, "error": {"code": -1, "message": "why", "data": data}})
    if request_id in cancelled:
        data = {"kind": "request_cancelled"}
        return send({"id": request_id, "error": {"code": -32800, "message": "", "data": data}})
    send({"id": request_id, "result": {"choices": [{"message": {"content": text}}]}})


for line in sys.stdin:
    message = json.loads(line)
    method, params = message["method"], message["params"]
    if method == "initialize":
        server = {"protocolVersion": 1, "dataDir": "/", "pid": os.getpid(), "methods": []}
        send({"id": message["id"], "result": server})
    elif method == "$/cancelRequest":
        with changed:
            cancelled.add(params["id"])
            changed.notify_all()
    elif method == "models/list":
        send({"id": message["id"], "result": {"models": [{"id": "qwen3-vl-4b"}]}})
    elif method == "chat/completions":
        threading.Thread(target=complete, args=(message["id"], params), daemon=True).start()
    else:
        send({"id": message["id"], "result": {}})
os._exit(0)
