# ruff: noqa: N818 - a class is the CamelCase of its kind, so that either is found from the other
"""Every error that may reach the person or a caller, as one tree, and so in one file. Imports nothing of ours.

SidecarError
├─ PipeError              what came through the pipe is not a request we can serve
│  ├─ ParseError            the line is not JSON
│  ├─ InvalidJsonRpc        JSON, but not one JSON-RPC 2.0 request (a batch, a bad id, …)
│  ├─ MethodNotFound
│  ├─ InvalidParams         the params do not fit the method's schema
│  ├─ NotInitialized        a request before `initialize`
│  ├─ AlreadyInitialized    a second `initialize`
│  └─ LineTooLong           a line above the cap, in either direction
├─ RequestEnded           the request was well-formed, and ended early
│  ├─ RequestCancelled      its caller asked for that
│  ├─ SlowConsumer          its caller did not read what it was sent
│  └─ InternalError         a fault of ours; the log has the traceback
├─ GenerationError        the model was asked something it cannot do
│  ├─ InvalidRequest        a member or a combination that is not supported
│  ├─ InvalidSchema         a JSON schema that no grammar can be made of
│  ├─ InvalidImage          missing, not a picture, truncated or far too large
│  ├─ ModelNotFound         no model of that name
│  ├─ ModelNotReady         known, but not on disk, or not whole
│  ├─ ContextLengthExceeded
│  └─ EngineFailed          the inference engine broke off
│     └─ ModelNotLoaded       … before it began: of the same kind, told apart inside only
├─ DownloadError          the model did not arrive
│  ├─ MirrorNotFound        404
│  ├─ MirrorRateLimited     429
│  ├─ MirrorFailed          5xx
│  ├─ NoNetwork             this computer has no network at all
│  ├─ MirrorUnreachable     no connection, or it was cut
│  ├─ MirrorInvalid         not an address, or not the answers of a model hub
│  ├─ DiskFull
│  ├─ FileDamaged           a file's hash or size is wrong
│  ├─ ImportRefused         the folder to import it from does not hold it
│  └─ Cancelled             the person stopped the download
├─ NetworkSettingError    what this computer says of its network cannot be used
│  ├─ ProxyInvalid
│  └─ CertificatesInvalid
├─ ConsentNeeded          a person has to agree first
├─ RoutingError           who should answer could not be settled, or a job not be given
│  ├─ CapabilityMissing     the model cannot do the job
│  ├─ CapabilityConflict    no one model was given all the jobs that a request needs
│  ├─ ProviderNotFound
│  ├─ ProviderInvalid       an address that is none, or one model twice
│  └─ SecretInvalid         a key that cannot be one
├─ ProviderError          a server that the person added did not answer as it should
│  ├─ ProviderUnreachable   no connection, no answer in time, or it was cut
│  ├─ ProviderDenied        401 or 403: the key is missing or wrong
│  ├─ ProviderRateLimited   429
│  ├─ ProviderRejected      it does not take the request (another 4xx)
│  ├─ ProviderFailed        5xx
│  └─ ProviderAnswerInvalid what it sent is not an answer
├─ SessionError           something about a chat that is kept
│  ├─ SessionNotFound
│  ├─ MessageNotFound
│  └─ SessionBusy           an answer in it streams already
├─ StoreError             the database
│  ├─ StoreFailed           it cannot be read or written now
│  └─ DatabaseRefused       it cannot be used at all: the process leaves with exit code 65
├─ ModelInUse             not while something else is done with the model
├─ DataFolderInUse        another sidecar works in the data folder
└─ ShellError             made by the shell, never by this process; here so that the list is whole
   ├─ SidecarRestarted      the sidecar died while the request ran
   ├─ SidecarUnavailable    there is no sidecar to ask
   ├─ StartRefused          the sidecar cannot use what it was started with
   ├─ PortTaken             another program listens where the proxy should
   ├─ ListenRefused         the system does not let the proxy listen there
   ├─ ConsentRefused        the person was asked by the system and said no
   ├─ OriginInvalid         what was typed in is not where web pages come from
   ├─ FileUnwritable        a file cannot be written where the person wants it
   ├─ KeychainUnavailable   the system has no keychain, or keeps it closed
   ├─ UpdateUnknown         this copy of the app does not know where releases are announced
   ├─ UpdateUnreachable     that place does not answer
   ├─ UpdateUntrusted       what it sent is not what the app's makers signed
   └─ EnvironmentFailed     its Python environment could not be made
      ├─ EnvironmentNoPython
      ├─ EnvironmentNoNetwork       no network at all
      ├─ EnvironmentIndexUnreachable  no connection to the package index, or no answer
      ├─ EnvironmentIndexFailed     not the answers of a package index, or other packages than the lock's
      ├─ EnvironmentAddressInvalid  a typed-in address that is not used
      └─ EnvironmentDiskFull
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


class SidecarError(Exception):
    """An error with a stable name.

    `kind` is what programs and the window's texts go by; it never changes once released. `retryable` says whether
    the same request may succeed later without anybody changing it. The message is for the log and carries no content
    of chats or files; `details` crosses the pipe and carries no secret and no traceback.
    """

    kind: ClassVar[str]
    retryable: ClassVar[bool] = False

    def __init__(self, message: str = "", **details: Json) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Json] = details


def error_classes(root: type[SidecarError] = SidecarError) -> Iterator[type[SidecarError]]:
    """All classes below `root` that have a kind of their own, in the order of the tree."""
    for subclass in root.__subclasses__():
        if "kind" in vars(subclass):
            yield subclass
        yield from error_classes(subclass)


class PipeError(SidecarError):
    """What came through the pipe is not a request that can be served."""


class ParseError(PipeError):
    """The line is not JSON."""

    kind = "parse_error"


class InvalidJsonRpc(PipeError):
    """JSON, but not one JSON-RPC 2.0 request. Batches are refused here too."""

    kind = "invalid_json_rpc"


class MethodNotFound(PipeError):
    """No method of that name."""

    kind = "method_not_found"


class InvalidParams(PipeError):
    """The params do not fit the method's schema; `details.errors` says where."""

    kind = "invalid_params"


class NotInitialized(PipeError):
    """A request came before `initialize`."""

    kind = "not_initialized"


class AlreadyInitialized(PipeError):
    """A second `initialize`."""

    kind = "already_initialized"


class LineTooLong(PipeError):
    """A line above a cap, of bytes or of values. A sender refuses to write more bytes; a reader discards either."""

    kind = "line_too_long"


class RequestEnded(SidecarError):
    """A well-formed request that ended before it was answered."""


class RequestCancelled(RequestEnded):
    """The caller cancelled the request, or the process is leaving."""

    kind = "request_cancelled"


class SlowConsumer(RequestEnded):
    """The caller did not read what it was sent; only its own request is given up."""

    kind = "slow_consumer"


class InternalError(RequestEnded):
    """A fault of ours. The log has the traceback, the answer has not."""

    kind = "internal_error"


class GenerationError(SidecarError):
    """The model was asked something it cannot do."""


class InvalidRequest(GenerationError):
    """A member or a combination of members that is not supported; `details.member` names it."""

    kind = "invalid_request"


class InvalidSchema(GenerationError):
    """A JSON schema that cannot be enforced; `details.member` names where it stood, `details.reason` says why not."""

    kind = "invalid_schema"


class InvalidImage(GenerationError):
    """A picture that is missing, not a picture, truncated, or far too large."""

    kind = "invalid_image"


class ModelNotFound(GenerationError):
    """No model of that name."""

    kind = "model_not_found"


class ModelNotReady(GenerationError):
    """The model is known but not on disk; with `details.reason` "damaged", all but `details.files` of it is."""

    kind = "model_not_ready"
    retryable = True


class ContextLengthExceeded(GenerationError):
    """Prompt and answer cannot fit the model's context or the memory budget."""

    kind = "context_length_exceeded"


class EngineFailed(GenerationError):
    """The inference engine broke off; the next request starts it again."""

    kind = "engine_failed"
    retryable = True


class ModelNotLoaded(EngineFailed):
    """The model's folder could not be loaded; to callers an `engine_failed` like any other."""


class DownloadError(SidecarError):
    """The model did not arrive. A mirror's errors name the mirror in `details.mirror`."""


class MirrorNotFound(DownloadError):
    """The mirror answered 404: it does not carry the model or the file."""

    kind = "mirror_not_found"


class MirrorRateLimited(DownloadError):
    """The mirror answered 429."""

    kind = "mirror_rate_limited"
    retryable = True


class MirrorFailed(DownloadError):
    """The mirror answered 5xx."""

    kind = "mirror_failed"
    retryable = True


class NoNetwork(DownloadError):
    """This computer has no network at all: no mirror would answer."""

    kind = "no_network"
    retryable = True


class MirrorUnreachable(DownloadError):
    """No connection to the mirror, or it was cut or stood still. With `details.resumes` false it sends a file that was
    cut from its start again."""

    kind = "mirror_unreachable"
    retryable = True


class MirrorInvalid(DownloadError):
    """Not an http(s) address, or what answers there is not a model hub."""

    kind = "mirror_invalid"


class DiskFull(DownloadError):
    """Not enough room in the data folder."""

    kind = "disk_full"


class FileDamaged(DownloadError):
    """A file's size or SHA-256 is wrong; `details.file` names it, and it will be fetched again."""

    kind = "file_damaged"
    retryable = True


class ImportRefused(DownloadError):
    """A folder cannot be imported. `details.reason`: not_a_folder, no_model (nothing of the kind is there), other_model
    (of another architecture), incomplete (a file is missing, cut or unreadable), different (a file is not the model's),
    link_outside (a link leads out of the folder). `details.file` names the file."""

    kind = "import_refused"


class Cancelled(DownloadError):
    """The person stopped the download."""

    kind = "cancelled"


class NetworkSettingError(SidecarError):
    """What this computer says of its network cannot be used; `details.setting` is the variable of the environment, or
    "system"."""


class ProxyInvalid(NetworkSettingError):
    """The proxy is no address, or of a kind that is not spoken: http, https and SOCKS 5 are."""

    kind = "proxy_invalid"


class CertificatesInvalid(NetworkSettingError):
    """The file of trusted certificates is missing, or is none."""

    kind = "certificates_invalid"


class ConsentNeeded(SidecarError):
    """A person has to agree to `details.needs` first; `details.address` is where content would go, if it goes anywhere.
    With `details.provider` (and its `details.host`) a model of that provider was named: in Settings it can get a job
    (`leaves_computer`), or leave for work that nobody waits for (`background`)."""

    kind = "consent_needed"


class RoutingError(SidecarError):
    """Who should answer could not be settled, or a job not be given."""


class CapabilityMissing(RoutingError):
    """The model cannot do what is asked of it: `details.capability` of `details.model`."""

    kind = "capability_missing"


class CapabilityConflict(RoutingError):
    """A request needs several jobs at once (`details.capabilities`), and none of the models that do them
    (`details.models`) does them all."""

    kind = "capability_conflict"


class ProviderNotFound(RoutingError):
    """No provider has this id."""

    kind = "provider_not_found"


class ProviderInvalid(RoutingError):
    """A provider that cannot be kept. `details.reason`: address (not http or https, or with a password, a query or a
    fragment), models (one of them twice, or with a job that it both can and cannot do), builtin (that one stays)."""

    kind = "provider_invalid"


class SecretInvalid(RoutingError):
    """A key that cannot be sent in a header, or that was given for another address."""

    kind = "secret_invalid"


class ProviderError(SidecarError):
    """A server that the person added did not answer as it should. `details.provider` names it, `details.status` is its
    HTTP status and `details.said` its own words, where it had any."""


class ProviderUnreachable(ProviderError):
    """No connection, no answer in time, or it was cut in the midst of one."""

    kind = "provider_unreachable"
    retryable = True


class ProviderDenied(ProviderError):
    """401 or 403: the key is missing or wrong."""

    kind = "provider_denied"


class ProviderRateLimited(ProviderError):
    """429, also after waiting for as long as it said, if that was not long."""

    kind = "provider_rate_limited"
    retryable = True


class ProviderRejected(ProviderError):
    """It does not take the request: another 4xx, or a redirect, which is never followed."""

    kind = "provider_rejected"


class ProviderFailed(ProviderError):
    """5xx."""

    kind = "provider_failed"
    retryable = True


class ProviderAnswerInvalid(ProviderError):
    """What it sent is no answer: a web page, not JSON, or other members than OpenAI's. `details.reason` too_large: more
    than any answer of its kind has."""

    kind = "provider_answer_invalid"


class SessionError(SidecarError):
    """Something about a chat that is kept."""


class SessionNotFound(SessionError):
    """No chat has this id; it may have been deleted."""

    kind = "session_not_found"


class MessageNotFound(SessionError):
    """No message of the chat has this id; it may have been deleted."""

    kind = "message_not_found"


class SessionBusy(SessionError):
    """An answer in the chat streams already, and there is one at a time."""

    kind = "session_busy"
    retryable = True


class StoreError(SidecarError):
    """The database did not do what it should."""


class StoreFailed(StoreError):
    """The database cannot be read or written now: locked, read-only, or the disk fails. Nothing of it was done."""

    kind = "store_failed"
    retryable = True


class DatabaseRefused(StoreError):
    """The database cannot be used at all: made by a newer version (`details.reason` newer), or damaged without a copy
    that could take its place and without a way to set it aside (damaged). Nothing of it was changed."""

    kind = "database_refused"


class ModelInUse(SidecarError):
    """Something is done with the model that excludes what was asked for; `details.reason`: downloading, importing,
    verifying, deleting, answering."""

    kind = "model_in_use"
    retryable = True


class DataFolderInUse(SidecarError):
    """Another sidecar holds the lock of the data folder."""

    kind = "data_folder_in_use"
    retryable = True


class ShellError(SidecarError):
    """Made by the shell, never by this process. Here so that the list of kinds is whole."""


class SidecarRestarted(ShellError):
    """The sidecar died while the request ran, and has been started again."""

    kind = "sidecar_restarted"
    retryable = True


class SidecarUnavailable(ShellError):
    """There is no running sidecar to ask."""

    kind = "sidecar_unavailable"
    retryable = True


class StartRefused(ShellError):
    """The sidecar left with `BAD_ARGUMENTS`: its data folder or catalog cannot be used; `details.stderr` says why."""

    kind = "start_refused"


class KeychainUnavailable(ShellError):
    """The system has no keychain, or it stays closed; `details.reason` is its own words."""

    kind = "keychain_unavailable"


class PortTaken(ShellError):
    """Another program listens where the localhost proxy should; `details` has its `port`, or the `path` of a socket."""

    kind = "port_taken"
    retryable = True


class ListenRefused(ShellError):
    """The system does not let the localhost proxy listen at `details.port`, or at a socket at `details.path`;
    `details.said` is why in its words, and missing where something that is no socket lies at that path."""

    kind = "listen_refused"


class UpdateUnknown(ShellError):
    """This copy of the app was built without a place where releases are announced."""

    kind = "update_unknown"


class UpdateUnreachable(ShellError):
    """The place of releases does not answer, or not with one; `details.status` is the HTTP status if it had one."""

    kind = "update_unreachable"
    retryable = True


class UpdateUntrusted(ShellError):
    """What came in the place of a release is not what the app's makers signed."""

    kind = "update_untrusted"


class ConsentRefused(ShellError):
    """The person was asked in the system's own dialog and said no; nothing was done."""

    kind = "consent_refused"


class OriginInvalid(ShellError):
    """`details.origin` is not scheme://host or scheme://host:port of one site, and so none of web pages."""

    kind = "origin_invalid"


class FileUnwritable(ShellError):
    """A file cannot be written where the person wants it; `details.reason` is the system's word for why."""

    kind = "file_unwritable"


class EnvironmentFailed(ShellError):
    """uv could not make the Python environment; `details.lines` says what it said last, for all of these."""

    kind = "environment_failed"


class EnvironmentNoPython(EnvironmentFailed):
    """There is no Python that the sidecar can run on."""

    kind = "environment_no_python"


class EnvironmentNoNetwork(EnvironmentFailed):
    """Packages must be fetched and the computer has no network at all."""

    kind = "environment_no_network"
    retryable = True


class EnvironmentIndexUnreachable(EnvironmentFailed):
    """The package index does not answer. `details.interpreter`: it is the source of Python itself that does not."""

    kind = "environment_index_unreachable"
    retryable = True


class EnvironmentIndexFailed(EnvironmentFailed):
    """What answers is no package index, lacks a package, or has another than the lock says."""

    kind = "environment_index_failed"
    retryable = True


class EnvironmentAddressInvalid(EnvironmentFailed):
    """A typed-in address that is not https (or http on this computer), or has a password in it."""

    kind = "environment_address_invalid"


class EnvironmentDiskFull(EnvironmentFailed):
    """Not enough room for the Python environment."""

    kind = "environment_disk_full"
