"""The pipe's own methods: handshake, liveness, discovery, leaving, cancelling."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue

from sidecar.protocol.message import Message, Method, NoParams, NoResult, RequestId

Name = Annotated[str, Field(min_length=1, max_length=200)]


ProxyName = Literal["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "http_proxy", "https_proxy"]


class Party(Message):
    """A program at one end of the pipe."""

    name: Name
    version: Name


class InitializeParams(Message):
    """First message on every pipe."""

    protocol_version: Literal[1]
    client: Party
    locale: Annotated[str, Field(max_length=35, description="BCP 47, for example en or zh-CN")] = "en"
    proxies: Annotated[
        dict[ProxyName, Annotated[str, Field(max_length=4096)]],
        Field(
            default_factory=dict,
            description="Proxies with a password, by variable: no process's environment shall have them",
        ),
    ]


class InitializeResult(Message):
    protocol_version: Literal[1]
    server: Party
    data_dir: Annotated[str, Field(description="Absolute path of the data folder")]
    pid: int
    methods: Annotated[list[str], Field(description="The methods this sidecar serves")]


class PingResult(Message):
    pong: Literal[True] = True


class OpenRpcDocument(Message):
    """The contract, as https://spec.open-rpc.org describes it, with our `x-` members."""

    model_config = ConfigDict(extra="allow")

    openrpc: str
    info: dict[str, JsonValue]
    methods: list[dict[str, JsonValue]]
    components: dict[str, JsonValue]


class CancelRequestParams(Message):
    """The request still answers: with -32800, or with its result if that was faster."""

    id: Annotated[RequestId, Field(description="The id of the request to cancel; an unknown one is ignored")]


INITIALIZE = Method("initialize", InitializeParams, InitializeResult, "Opens the session; must come first", ("shell",))
PING = Method("ping", NoParams, PingResult, "Says that the sidecar answers", ("shell",))
SHUTDOWN = Method("shutdown", NoParams, NoResult, "Cancels what runs, answers, and ends the process", ("shell",))
DISCOVER = Method("rpc.discover", NoParams, OpenRpcDocument, "The OpenRPC document of this pipe", ("shell",))
CANCEL_REQUEST: Method[CancelRequestParams, NoResult] = Method(
    "$/cancelRequest", CancelRequestParams, None, "Cancels a running request (a notification)", ("shell",)
)

METHODS: tuple[Method[Any, Any], ...] = (INITIALIZE, PING, SHUTDOWN, DISCOVER, CANCEL_REQUEST)
NOTIFICATIONS = ()
