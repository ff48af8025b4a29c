//! The system's leave to read the person's protected folders.

use sidecar_host::RpcError;

use super::on_disk;
use crate::disk_access;

#[tauri::command]
pub(crate) async fn disk_access() -> Result<bool, RpcError> {
    on_disk(|| Ok(disk_access::is_granted(dirs::home_dir().as_deref()))).await
}

/// Where the system protects none there is nothing to open.
#[tauri::command]
pub(crate) async fn disk_access_settings() -> Result<(), RpcError> {
    #[cfg(target_os = "macos")]
    tauri_plugin_opener::open_url(disk_access::SETTINGS, None::<&str>).map_err(super::internal)?;
    Ok(())
}
