//! A text for a report.

use serde_json::json;
use sidecar_host::RpcError;
use tauri::{AppHandle, State};

use super::on_disk;
use crate::data_folder::DataFolder;
use crate::diagnostics::Circumstances;
use crate::discretion::Discretion;
use crate::environment::Environment;
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
