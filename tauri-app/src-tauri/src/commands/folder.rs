//! A folder that the person points at.

use sidecar_host::RpcError;
use tauri::{Manager, State, WebviewWindow};
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

use super::internal;
use crate::offered::Offered;
use crate::preferences::{Language, Preferences};

/// Its absolute path, which the window may name from now on; `None` when the person chose none.
#[tauri::command]
pub(crate) async fn pick_folder(
    window: WebviewWindow,
    offered: State<'_, Offered>,
    preferences: State<'_, Preferences>,
) -> Result<Option<String>, RpcError> {
    let title = match preferences.language() {
        Language::En => "Choose a folder",
        Language::Zh => "选择文件夹",
    };
    let (choose, chosen) = oneshot::channel();
    let mut dialog = window.dialog().file().set_parent(&window).set_title(title);
    if let Ok(home) = window.path().home_dir() {
        dialog = dialog.set_directory(home); // or it opens where files were used last, which shows no folders
    }
    dialog.pick_folder(move |path| {
        // The window may have closed meanwhile.
        let _ = choose.send(path);
    });
    let Some(folder) = chosen.await.map_err(internal)? else { return Ok(None) };
    let folder = std::path::absolute(folder.into_path().map_err(internal)?).map_err(internal)?;
    // What the sidecar is told travels as text.
    let text = folder.to_str().map(str::to_owned);
    let text = text.ok_or_else(|| RpcError::lasting("invalid_params", "this folder's name is no text"))?;
    offered.offer_picked(window.label(), folder);
    Ok(Some(text))
}
