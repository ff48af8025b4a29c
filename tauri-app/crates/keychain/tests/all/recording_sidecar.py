"""Stands for the sidecar: has the providers of `providers.json` in its data folder, and writes down what it is put."""

import json
import os
import sys
from pathlib import Path

data = Path(sys.argv[sys.argv.index("--data-dir") + 1])
secrets = {}
stored, record = data / "providers.json", data / "puts.jsonl"


def providers():
    return [each | {"hasSecret": secrets.get(each["id"]) is not None} for each in json.loads(stored.read_text())]


def replace(found):
    stored.write_text(json.dumps(found))
    say({"method": "providers/changed", "params": {"providers": found}})


def say(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(method, params):
    """The result, or None where there is no such method."""
    match method:
        case "initialize":
            server = {"name": "recording", "version": "0"}
            return {"protocolVersion": 1, "server": server, "dataDir": str(data), "pid": os.getpid(), "methods": []}
        case "providers/list" if "--old" not in sys.argv:
            return {"providers": providers()}
        case "providers/update":
            replace([each | params["change"] if each["id"] == params["providerId"] else each for each in providers()])
            return {}
        case "providers/delete":
            replace([each for each in providers() if each["id"] != params["providerId"]])
            return {}
        case "secrets/put":
            with record.open("a") as lines:
                lines.write(json.dumps({"pid": os.getpid(), **params}) + "\n")
            if (data / "refuses").exists():
                return None
            secrets[params["providerId"]] = params["secret"]
            # As the real one does after each put.
            say({"method": "providers/changed", "params": {"providers": providers()}})
            return {}
        case "ping":
            return {}
        case _:
            return None


for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    result = answer(request["method"], request.get("params") or {})
    if result is None:
        # What it refuses it repeats, as a careless one would.
        error = {"code": -32601, "message": line, "data": {"kind": "method_not_found", "details": {"line": line}}}
        say({"id": request["id"], "error": error})
    else:
        say({"id": request["id"], "result": result})
