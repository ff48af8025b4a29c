//! A report of a problem: a text to paste, or a file to attach.

use std::io;
use std::path::Path;

use serde_json::{Value, json};
use sidecar_host::RpcError;
use tauri::{AppHandle, State, WebviewWindow};
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

use super::{internal, on_disk};
use crate::data_folder::DataFolder;
use crate::diagnostics::archive::Archive;
use crate::diagnostics::asked;
use crate::diagnostics::report::Circumstances;
use crate::discretion::Discretion;
use crate::disk::unwritable;
use crate::environment::Environment;
use crate::localhost_proxy::LocalhostProxy;
use crate::preferences::{Language, Preferences};
use crate::relay::Relay;

#[tauri::command]
pub(crate) async fn diagnostics(
    app: AppHandle,
    data: State<'_, DataFolder>,
    relay: State<'_, Relay>,
    environment: State<'_, Environment>,
    lines: Option<String>,
) -> Result<String, RpcError> {
    let version = app.package_info().version.to_string();
    let (sidecar, environment) = (relay.sidecar_state(), json!(*environment.state().borrow()));
    let data = data.inner().clone();
    on_disk(move || {
        let logs = data.logs();
        let circumstances = Circumstances { version, data_dir: data.path(), logs: &logs, sidecar, environment, lines };
        Ok(circumstances.report(&Discretion::about(dirs::home_dir())))
    })
    .await
}

/// What the file is called if the person does not call it something else.
const NAME: &str = "knowledge-focus-diagnostics.zip";

/// Writes the file where the person wants it, by the system's own dialog; `false` where they do not. Needs no sidecar.
#[tauri::command]
pub(crate) async fn export_diagnostics(
    app: AppHandle,
    window: WebviewWindow,
    data: State<'_, DataFolder>,
    relay: State<'_, Relay>,
    environment: State<'_, Environment>,
    preferences: State<'_, Preferences>,
    proxy: State<'_, LocalhostProxy>,
) -> Result<bool, RpcError> {
    let (title, kind) = match preferences.language() {
        Language::En => ("Save diagnostics", "ZIP file"),
        Language::Zh => ("保存诊断信息", "ZIP 文件"),
    };
    let (choose, chosen) = oneshot::channel();
    let dialog = window.dialog().file().set_parent(&window).set_title(title).set_file_name(NAME);
    dialog.add_filter(kind, &["zip"]).save_file(move |path| {
        // The window may have closed meanwhile.
        let _ = choose.send(path);
    });
    let Some(path) = chosen.await.map_err(internal)? else { return Ok(false) };
    let path = path.into_path().map_err(internal)?;
    let (choices, asked) = (choices(&preferences, &proxy).await, asked::sidecar(&relay).await);
    let archive = Archive {
        version: app.package_info().version.to_string(),
        web_view: tauri::webview_version().ok(),
        logs: data.logs(),
        python: data.python(),
        usual_folder: data.is_platforms(),
        sidecar: relay.sidecar_state(),
        environment: json!(*environment.state().borrow()),
        choices,
        asked,
    };
    on_disk(move || archive.write(&path).map_err(|error| not_saved(error, &path))).await?;
    Ok(true)
}

/// What was chosen, without what names something of the person's: the addresses of pages that may ask.
async fn choices(preferences: &Preferences, proxy: &LocalhostProxy) -> Value {
    let chosen = preferences.proxy();
    let (port, socket, origins) = (chosen.port, chosen.socket, chosen.origins.len());
    let shown = proxy.shown(chosen).await;
    json!({
        "language": preferences.language_choice(),
        "theme": preferences.appearance(),
        "hideOnClose": preferences.hide_on_close(),
        "proxy": {"port": port, "socket": socket, "origins": origins, "state": shown.state()},
    })
}

fn not_saved(error: io::Error, path: &Path) -> RpcError {
    match unwritable(error) {
        full if full.kind == "disk_full" => full,
        _ if path.is_dir() => file_unwritable("it is a folder"),
        other => file_unwritable(&other.message),
    }
}

fn file_unwritable(reason: &str) -> RpcError {
    RpcError::lasting("file_unwritable", reason).with_details(json!({"reason": reason}))
}
