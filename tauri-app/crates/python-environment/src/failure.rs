//! What went wrong, from what uv said last. uv's exit codes (1 and 2) do not tell; its words were tried with 0.13.9, and a
//! test has the real one say each of them.

use std::io;
use std::path::Path;

use serde_json::{Value, json};
use sidecar_host::RpcError;

use crate::output::Tail;

const DISK_FULL: &[&str] = &["No space left on device", "Disk quota exceeded"];
const NO_PYTHON: &[&str] = &["No interpreter found", "No virtual environment or system Python installation found"];
/// An answer, but not that of an index; or one that was tampered with.
const BAD_ANSWER: &[&str] = &[
    "certificate",
    "received corrupt message",
    "HTTP status",
    "was not found in the package registry",
    "Hash mismatch",
];
const NO_ANSWER: &[&str] = &[
    "error sending request",
    "operation timed out",
    "Connection refused",
    "Connection reset",
    "error decoding response body",
    "request or response body error",
];
const NAME_NOT_FOUND: &str = "dns error";
/// The name service itself cannot be reached, which is where it shows first that there is no network.
const NO_NAME_SERVICE: &str = "Temporary failure in name resolution";
const NO_ROUTE: &[&str] = &["Network is unreachable", "No route to host"];

/// Where packages came from, as far as a failure's cause depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The package's own folder of wheels.
    Bundle,
    Network,
}

/// The failure of a step that ended with `tail`; `has_route` says whether there is a network.
pub(crate) fn classify(tail: &Tail, origin: Origin, has_route: impl FnOnce() -> bool) -> RpcError {
    // Before the error come warnings, about interpreters that were passed over, say.
    let error = tail.lines().position(|line| line.starts_with("error:")).unwrap_or(0);
    let text = tail.lines().skip(error).collect::<Vec<_>>().join("\n");
    let says = |words: &[&str]| words.iter().any(|words| text.contains(words));
    let cause = if says(DISK_FULL) {
        RpcError::lasting("environment_disk_full", "the disk is full")
    } else if says(NO_PYTHON) {
        RpcError::lasting("environment_no_python", "there is no Python that the sidecar can run on")
    } else if origin == Origin::Bundle {
        RpcError::lasting("environment_failed", "the packages that came with the app could not be installed")
    } else if says(BAD_ANSWER) {
        RpcError::passing("environment_index_failed", "the package index does not offer what is needed")
    } else if says(NO_ANSWER) || says(NO_ROUTE) {
        let unreachable = says(NO_ROUTE) || says(&[NAME_NOT_FOUND]);
        if says(&[NO_NAME_SERVICE]) || (unreachable && !has_route()) {
            RpcError::passing("environment_no_network", "this computer has no network")
        } else {
            RpcError::passing("environment_index_unreachable", "the package index does not answer")
        }
    } else {
        RpcError::passing("environment_failed", "uv could not make the Python environment")
    };
    // An interpreter comes from elsewhere than the packages, and has a mirror of its own.
    let interpreter = text.contains("Failed to download `") && text.contains("/cpython-");
    cause.with_details(details(tail, interpreter))
}

fn details(tail: &Tail, interpreter: bool) -> Value {
    json!({"lines": tail.lines().collect::<Vec<_>>(), "interpreter": interpreter})
}

/// uv itself could not be run; the shell that should have run it says why.
pub(crate) fn no_uv(tail: &Tail) -> RpcError {
    RpcError::lasting("environment_failed", "uv cannot be started").with_details(details(tail, false))
}

/// There is something at `target` that we did not put there.
pub(crate) fn foreign(target: &Path) -> RpcError {
    let message = format!("{} holds other things, and is left as it is", target.display());
    RpcError::lasting("environment_failed", message)
}

/// The failure of something that we did ourselves.
pub(crate) fn on_disk(what: &str, error: &io::Error) -> RpcError {
    let message = format!("{what}: {error}");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            RpcError::lasting("environment_disk_full", message)
        }
        _ => RpcError::lasting("environment_failed", message),
    }
}

pub(crate) fn cancelled() -> RpcError {
    RpcError::passing("request_cancelled", "making the Python environment was cancelled")
}
