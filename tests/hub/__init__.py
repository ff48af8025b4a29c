"""A model hub on loopback: serves local folders as repositories, and misbehaves on demand.

It speaks what Hugging Face's hub speaks for a download: the repository's information by revision, the recursive tree,
and `HEAD` / `GET` of a file at a revision, with ranges. `python -m tests.hub` serves the demo model.

    with Hub({"knowledge-focus/qwen3-vl-demo": folder}) as hub:
        hub.fault(faults.status(500), on="get", path="model.safetensors", times=1)
        ...                     # point a download at hub.url
        hub.log                 # what was asked for, in order
"""

from tests.hub import faults
from tests.hub.certificate import Certificate
from tests.hub.proxy import Proxy, SocksProxy
from tests.hub.repository import HubRepository, HubSnapshot
from tests.hub.server import Hub, HubRequest, write_catalog

__all__ = [
    "Certificate",
    "Hub",
    "HubRepository",
    "HubRequest",
    "HubSnapshot",
    "Proxy",
    "SocksProxy",
    "faults",
    "write_catalog",
]
