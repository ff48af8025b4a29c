//! Keys of providers. They go one way: no command reads one.

use std::sync::Arc;

use keychain::Keys;
use secrecy::SecretString;
use sidecar_host::RpcError;
use tauri::{State, WebviewWindow};

use crate::consent::{Agreements, Purpose};
use crate::question::AtWindow;

#[tauri::command]
pub(crate) async fn secret_set(
    window: WebviewWindow,
    keys: State<'_, Arc<Keys>>,
    agreements: State<'_, Arc<Agreements>>,
    provider_id: String,
    secret: SecretString,
    keep: bool,
) -> Result<(), RpcError> {
    let person = AtWindow::of(&window);
    agreements.need(Purpose::Key, &keys.origin(&provider_id).await?, &person).await?;
    keys.set(&provider_id, &secret, keep).await
}

#[tauri::command]
pub(crate) async fn secret_delete(keys: State<'_, Arc<Keys>>, provider_id: String) -> Result<(), RpcError> {
    keys.delete(&provider_id).await
}
