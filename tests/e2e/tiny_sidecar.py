"""Stands for the sidecar in a bundle of two tiny packages: shakes hands, and says to whatever else what it runs on."""

import json
import sys

import alpha  # type: ignore[import-not-found]
import beta  # type: ignore[import-not-found]

for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    if request["method"] == "initialize":
        result = {
            "protocolVersion": 1,
            "server": {"name": "tiny", "version": "0"},
            "dataDir": sys.argv[2],
            "pid": 0,
            "methods": [],
        }
    else:
        result = {"alpha": alpha.VERSION, "beta": beta.VERSION, "isolated": sys.flags.isolated}
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}) + "\n")
    sys.stdout.flush()
