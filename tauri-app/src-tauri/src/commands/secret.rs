//! Keys of providers. They go one way: no command reads one.

use std::sync::Arc;

use keychain::Keys;
use secrecy::SecretString;
use sidecar_host::RpcError;
use tauri::{State, WebviewWindow};

use crate::consent::Agreements;
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
    let origin = keys.origin(&provider_id).await?;
    let comes_with_provider = agreements.need_key(&origin, &person).await?;
    let set = keys.set(&provider_id, &origin, &secret, keep).await;
    // What may go well later is kept, and put again.
    if comes_with_provider && set.as_ref().is_err_and(|error| !error.retryable) {
        agreements.key_was_not_set(&origin).await;
    }
    set
}

#[tauri::command]
pub(crate) async fn secret_delete(keys: State<'_, Arc<Keys>>, provider_id: String) -> Result<(), RpcError> {
    keys.delete(&provider_id).await
}
