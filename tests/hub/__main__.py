"""`python -m tests.hub`: serve the demo model until interrupted. The first line printed is the hub's address."""

import argparse
import sys
import threading
from contextlib import suppress
from pathlib import Path

from tests.hub.server import Hub, write_catalog

REPOSITORY = "knowledge-focus/qwen3-vl-demo"
FOLDER = Path(__file__).parents[1] / "demo_model" / "model"


def main() -> int:
    """Serve until Ctrl+C; 1 if there is nothing to serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.hub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--rate", type=float, metavar="BYTES_PER_S", help="limit every answer to this rate")
    parser.add_argument("--repository", default=REPOSITORY)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="what to serve; default: the demo model")
    parser.add_argument("--catalog", type=Path, metavar="FILE", help="write a catalog that names this hub there")
    options = parser.parse_args()
    try:
        hub = Hub({options.repository: options.folder}, port=options.port, rate=options.rate)
    except (OSError, OverflowError) as error:  # the latter for a port beyond 65535
        print(f"cannot serve: {error}", file=sys.stderr)
        return 1
    with hub, suppress(KeyboardInterrupt):
        if options.catalog:
            write_catalog(options.catalog, hub.url, options.folder)
        print(hub.url, flush=True)
        print(f"{options.repository} at {hub.repositories[options.repository].main.revision}", flush=True)
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
