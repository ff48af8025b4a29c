//! The system's leave to read the person's protected folders (macOS: Full Disk Access). Elsewhere nothing is protected.
//!
//! The plugin is not registered: its commands, most of them for cameras and keyboards, are none of the page's business.

use sidecar_host::RpcError;
use tauri::AppHandle;
use tauri_plugin_macos_permissions::{check_full_disk_access_permission, request_full_disk_access_permission};

#[tauri::command]
pub(crate) async fn disk_access(app: AppHandle) -> bool {
    check_full_disk_access_permission(app).await
}

/// Opens the system's settings at the list of the apps that have the access.
#[tauri::command]
pub(crate) async fn disk_access_settings() -> Result<(), RpcError> {
    request_full_disk_access_permission().await.map_err(super::internal)
}
