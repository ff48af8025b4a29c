"""Which model answers a request, and the way to it."""

from sidecar.routing.router import Router

__all__ = ["Router"]
