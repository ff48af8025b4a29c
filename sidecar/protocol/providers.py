"""`providers/…` and `secrets/put`: servers that speak OpenAI's Chat Completions, and the models behind them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from sidecar.protocol.capabilities import AssignmentsResult
from sidecar.protocol.consent import ConsentsToLeave
from sidecar.protocol.message import Message, Method, NoParams, NoResult, Notification, RequestId
from sidecar.protocol.models import Capability, ModelId

Preset = Literal["openai", "ollama", "lmstudio", "vllm"]
ProviderId = Annotated[str, Field(min_length=1, max_length=100)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Address = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="http(s) address that `/chat/completions` is appended to",
        # By this the shell knows where words would go: it asks the person before a window may name another computer.
        json_schema_extra={"format": "provider-address"},
    ),
]
Identifier = Annotated[str, Field(min_length=1, max_length=500, description="What the server calls the model")]


class NewModel(Message):
    """A model behind a provider. A capability in neither list is one that nobody knows about."""

    identifier: Identifier
    display_name: Name | None = None
    capabilities: Annotated[tuple[Capability, ...], Field(strict=False, description="What it can do")] = ()
    lacking: Annotated[tuple[Capability, ...], Field(strict=False, description="What it cannot do")] = ()


class ProviderModel(NewModel):
    id: ModelId
    display_name: Name


class Provider(Message):
    id: ProviderId
    name: Name
    base_url: Address
    preset: Preset | None
    builtin: Annotated[bool, Field(description="The models inside this app: cannot be changed or deleted")]
    leaves_computer: Annotated[bool, Field(description="Its address is not on this computer")]
    has_secret: Annotated[bool, Field(description="A key for it has been put, in this run")]
    background: Annotated[bool, Field(description="Work that nobody waits for may go there, too")]
    concurrency: Annotated[int, Field(description="Requests that it gets at once")]
    models: tuple[ProviderModel, ...]


class ProvidersResult(Message):
    providers: tuple[Provider, ...]


class ProviderResult(Message):
    provider: Provider


Concurrency = Annotated[int, Field(ge=1, le=64)]
# JSON has lists, which a strict tuple would refuse.
Models = Annotated[tuple[NewModel, ...], Field(strict=False, max_length=100)]


class CreateParams(Message):
    name: Name
    base_url: Address
    preset: Preset = "openai"
    concurrency: Concurrency = 4
    models: Models = ()
    accept: ConsentsToLeave = ()


class ProviderParams(Message):
    provider_id: ProviderId


class UpdateParams(ProviderParams):
    """What is absent stays as it is. A model keeps its id, and the jobs it has, by its identifier."""

    name: Name | None = None
    base_url: Annotated[
        Address | None, Field(description="At another origin the key is forgotten, and background work not allowed")
    ] = None
    concurrency: Concurrency | None = None
    background: Annotated[
        bool | None, Field(description="On, of another computer: needs the consent background_leaves")
    ] = None
    models: Models | None = None
    accept: ConsentsToLeave = ()


class ServedModelsResult(Message):
    identifiers: Annotated[tuple[str, ...], Field(description="What the server says it has, in its own order")]


class TestParams(ProviderParams):
    identifier: Annotated[Identifier | None, Field(description="Absent: only whether the server answers")] = None


class TestResult(Message):
    """Whether one thing works. What a model can do is tried with small questions of our own."""

    ability: Literal["models"] | Capability
    works: bool
    seconds: float
    kind: Annotated[str | None, Field(description="Of a failure: the error kind")] = None
    reason: Annotated[str | None, Field(description="Of a failure: the server's own words, if it had any")] = None


class TestResults(Message):
    results: tuple[TestResult, ...]


class TestedParams(Message):
    request_id: RequestId
    result: TestResult


class PutSecretParams(Message):
    provider_id: ProviderId
    origin: Annotated[str, Field(max_length=2000, description="scheme://host[:port] that the key was given for")]
    secret: Annotated[str | None, Field(max_length=4096, description="null: forget it")]


LIST = Method("providers/list", NoParams, ProvidersResult, "All providers with their models", ("window", "shell"))
CREATE = Method("providers/create", CreateParams, ProviderResult, "Adds a provider", ("window",))
UPDATE = Method("providers/update", UpdateParams, ProviderResult, "Changes a provider", ("window",))
DELETE = Method(
    "providers/delete",
    ProviderParams,
    AssignmentsResult,
    "Removes a provider; the jobs of its models go back to the built-in one",
    ("window",),
)
MODELS = Method("providers/models", ProviderParams, ServedModelsResult, "Asks the server what it has", ("window",))
TEST = Method(
    "providers/test",
    TestParams,
    TestResults,
    "Tries what a server and a model can do; each result is also notified as providers/tested when it is there",
    ("window",),
)
PUT_SECRET = Method("secrets/put", PutSecretParams, NoResult, "Lends a provider's key to this process", ("shell",))
CHANGED = Notification("providers/changed", ProvidersResult, "A provider was changed", state=True)
TESTED = Notification("providers/tested", TestedParams, "One result of a test that runs")

METHODS: tuple[Method[Any, Any], ...] = (LIST, CREATE, UPDATE, DELETE, MODELS, TEST, PUT_SECRET)
NOTIFICATIONS: tuple[Notification[Any], ...] = (CHANGED, TESTED)
