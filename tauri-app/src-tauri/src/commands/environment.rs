//! What the window asks of the stage that makes the Python environment.

use sidecar_host::RpcError;
use tauri::State;

use crate::environment::Environment;
use crate::relay::Relay;

#[tauri::command]
pub(crate) fn environment_retry(
    environment: State<'_, Environment>,
    index: Option<String>,
    python: Option<String>,
) -> Result<(), RpcError> {
    environment.retry(index.as_deref(), python.as_deref())
}

#[tauri::command]
pub(crate) fn environment_cancel(environment: State<'_, Environment>) {
    environment.cancel();
}

#[tauri::command]
pub(crate) fn environment_repair(environment: State<'_, Environment>, relay: State<'_, Relay>) {
    environment.repair();
    relay.restart_sidecar();
}
