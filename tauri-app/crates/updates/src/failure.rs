//! What can go wrong, as the window sees it.

use std::io;

use python_environment::has_route;
use serde_json::json;
use sidecar_host::RpcError;

/// What came is not what was signed, or says something impossible.
pub(crate) fn untrusted(why: &str) -> RpcError {
    tracing::warn!(why, "what was sent in the place of a release is not believed");
    RpcError::lasting("update_untrusted", why)
}

/// Nothing came, or only a part.
pub(crate) fn unreachable(error: &reqwest::Error) -> RpcError {
    if !has_route() {
        return RpcError::passing("no_network", "this computer has no network");
    }
    tracing::warn!(?error, "the place of releases cannot be asked");
    RpcError::passing("update_unreachable", "the place of releases does not answer")
}

/// It answered that it has none.
pub(crate) fn refused(status: u16) -> RpcError {
    RpcError::passing("update_unreachable", "the place of releases does not have it")
        .with_details(json!({"status": status}))
}

pub(crate) fn unwritable(error: &io::Error) -> RpcError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => RpcError::lasting("disk_full", error.to_string()),
        _ => RpcError::lasting("internal_error", format!("the folder cannot be written: {error}")),
    }
}
