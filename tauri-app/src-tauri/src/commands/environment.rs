//! What the window asks of the stage that makes the Python environment.

use std::sync::Arc;

use sidecar_host::RpcError;
use tauri::{State, WebviewWindow};

use crate::consent::{Agreements, Purpose};
use crate::environment::Environment;
use crate::question::AtWindow;
use crate::relay::Relay;

#[tauri::command]
pub(crate) async fn environment_retry(
    window: WebviewWindow,
    environment: State<'_, Environment>,
    agreements: State<'_, Arc<Agreements>>,
    index: Option<String>,
    python: Option<String>,
) -> Result<(), RpcError> {
    let (index, python) = (index.as_deref(), python.as_deref());
    let person = AtWindow::of(&window);
    for address in environment.new_addresses(index, python)? {
        agreements.need(Purpose::Packages, &address, &person).await?;
    }
    environment.retry(index, python)
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
