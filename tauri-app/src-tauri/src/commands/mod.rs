//! What the window may `invoke`; `COMMANDS.md` is the list for those who write the window.

pub(crate) mod attach;
pub(crate) mod diagnostics;
pub(crate) mod disk_access;
pub(crate) mod environment;
pub(crate) mod folder;
pub(crate) mod link;
pub(crate) mod proxy;
pub(crate) mod rpc;
pub(crate) mod secret;
pub(crate) mod shell;
pub(crate) mod storage;
pub(crate) mod update;

use sidecar_host::RpcError;

/// A fault of the shell itself, as the window sees it.
pub(crate) fn internal(error: impl std::fmt::Display) -> RpcError {
    RpcError::lasting("internal_error", error.to_string())
}

/// Runs what waits for the disk where it holds up nobody.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RpcError> + Send + 'static,
) -> Result<T, RpcError> {
    tauri::async_runtime::spawn_blocking(work).await.map_err(internal)?
}
