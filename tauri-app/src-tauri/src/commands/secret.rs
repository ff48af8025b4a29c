//! Keys of providers. They go one way: no command reads one.

use std::sync::Arc;

use keychain::Keys;
use secrecy::SecretString;
use sidecar_host::RpcError;
use tauri::State;

#[tauri::command]
pub(crate) async fn secret_set(
    keys: State<'_, Arc<Keys>>,
    provider_id: String,
    secret: SecretString,
    keep: bool,
) -> Result<(), RpcError> {
    keys.set(&provider_id, &secret, keep).await
}

#[tauri::command]
pub(crate) async fn secret_delete(keys: State<'_, Arc<Keys>>, provider_id: String) -> Result<(), RpcError> {
    keys.delete(&provider_id).await
}
