"""All that crosses the pipe, as pydantic models. Imported by `rpc`, `methods` and the composition root only.

One module per namespace, imported when the namespace is first used: building pydantic models costs milliseconds
each, and the first `ping` should not pay for those of a chat. `MODULES` therefore names each method's module without
importing it; a test holds it to what the modules declare.
"""

from importlib import import_module
from typing import Any, Final, Protocol, cast

from sidecar.protocol.message import Method, Notification

PROTOCOL_VERSION: Final = 1

MODULES: dict[str, str] = {
    "initialize": "sidecar.protocol.core",
    "ping": "sidecar.protocol.core",
    "shutdown": "sidecar.protocol.core",
    "rpc.discover": "sidecar.protocol.core",
    "$/cancelRequest": "sidecar.protocol.core",
    "chat/completions": "sidecar.protocol.chat",
    "sessions/list": "sidecar.protocol.sessions",
    "sessions/create": "sidecar.protocol.sessions",
    "sessions/rename": "sidecar.protocol.sessions",
    "sessions/delete": "sidecar.protocol.sessions",
    "sessions/messages": "sidecar.protocol.sessions",
    "sessions/send": "sidecar.protocol.sessions",
    "sessions/regenerate": "sidecar.protocol.sessions",
    "sessions/continue": "sidecar.protocol.sessions",
    "sessions/edit": "sidecar.protocol.sessions",
    "sessions/stop": "sidecar.protocol.sessions",
    "sessions/resume": "sidecar.protocol.sessions",
    "models/list": "sidecar.protocol.models",
    "models/status": "sidecar.protocol.models",
    "models/download": "sidecar.protocol.models",
    "models/cancelDownload": "sidecar.protocol.models",
    "models/import": "sidecar.protocol.models",
    "models/verify": "sidecar.protocol.models",
    "models/delete": "sidecar.protocol.models",
    "models/unload": "sidecar.protocol.models",
    "computer/describe": "sidecar.protocol.computer",
    "library/scan": "sidecar.protocol.library",
    "capabilities/list": "sidecar.protocol.capabilities",
    "capabilities/assign": "sidecar.protocol.capabilities",
    "providers/list": "sidecar.protocol.providers",
    "providers/create": "sidecar.protocol.providers",
    "providers/update": "sidecar.protocol.providers",
    "providers/delete": "sidecar.protocol.providers",
    "providers/models": "sidecar.protocol.providers",
    "providers/test": "sidecar.protocol.providers",
    "secrets/put": "sidecar.protocol.providers",
    "settings/get": "sidecar.protocol.settings",
    "settings/set": "sidecar.protocol.settings",
    "store/status": "sidecar.protocol.store",
    "store/dismissRecovery": "sidecar.protocol.store",
    "storage/usage": "sidecar.protocol.storage",
    "storage/clear": "sidecar.protocol.storage",
    "engine/status": "sidecar.protocol.engine",
    "engine/pause": "sidecar.protocol.engine",
    "engine/resume": "sidecar.protocol.engine",
}
"""Every method's name, in the order of the document, and the module that declares it."""


class Namespace(Protocol):
    """What a module of messages declares."""

    METHODS: tuple[Method[Any, Any], ...]
    NOTIFICATIONS: tuple[Notification[Any], ...]


def all_methods() -> list[Method[Any, Any]]:
    """Every method with its messages. Imports all namespaces."""
    declared = {method.name: method for module in _modules() for method in module.METHODS}
    return [declared[name] for name in MODULES]


def all_notifications() -> list[Notification[Any]]:
    """Every notification that the sidecar sends. Imports all namespaces."""
    return [notification for module in _modules() for notification in module.NOTIFICATIONS]


def _modules() -> list[Namespace]:
    return [cast("Namespace", import_module(name)) for name in dict.fromkeys(MODULES.values())]
