//! "Check for updates".

use sidecar_host::RpcError;
use tauri::State;
use tauri::ipc::Channel;

use super::internal;
use crate::data_folder::DataFolder;
use crate::updating::{Newest, Updating};

#[tauri::command]
pub(crate) async fn update_check(updating: State<'_, Updating>) -> Result<Option<Newest>, RpcError> {
    updating.check().await
}

/// Answers where the package lies: in the person's folder for downloads.
#[tauri::command]
pub(crate) async fn update_fetch(
    data: State<'_, DataFolder>,
    updating: State<'_, Updating>,
    on_percent: Channel<u64>,
) -> Result<String, RpcError> {
    let downloads = dirs::download_dir().or_else(|| Some(dirs::home_dir()?.join("Downloads")));
    let downloads = downloads.ok_or_else(|| internal("the person has no home"))?;
    // A page that was left hears no more of it.
    let tell = move |percent| drop(on_percent.send(percent));
    let path = updating.fetch(data.path().join("cache"), downloads, tell).await?;
    Ok(path.to_string_lossy().into_owned())
}

#[tauri::command]
pub(crate) fn update_cancel(updating: State<'_, Updating>) {
    updating.cancel();
}
