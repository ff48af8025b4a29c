//! What the window reads and changes of the shell itself.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sidecar_host::RpcError;
use tauri::{AppHandle, State, WebviewWindow};

use super::internal;
use crate::data_folder::DataFolder;
use crate::disk::unwritable;
use crate::environment::Environment;
use crate::preferences::{Appearance, Language, LanguageChoice, Preferences};
use crate::relay::Relay;
use crate::{menu, tray};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShellState {
    version: String,
    data_dir: String,
    /// `linux` or `macos`.
    platform: &'static str,
    language: LanguageChoice,
    /// What `system` means here, so that the window speaks the language of the shell's dialogs.
    system_language: Language,
    theme: Appearance,
    chats_hidden: bool,
    hide_on_close: bool,
    sidecar: Value,
    environment: Value,
}

/// Members that are absent stay as they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Change {
    language: Option<LanguageChoice>,
    theme: Option<Appearance>,
    chats_hidden: Option<bool>,
    hide_on_close: Option<bool>,
}

#[tauri::command]
pub(crate) fn shell_state(
    app: AppHandle,
    data: State<'_, DataFolder>,
    preferences: State<'_, Preferences>,
    relay: State<'_, Relay>,
    environment: State<'_, Environment>,
) -> ShellState {
    ShellState {
        version: app.package_info().version.to_string(),
        data_dir: data.path().to_string_lossy().into_owned(),
        platform: std::env::consts::OS,
        language: preferences.language_choice(),
        system_language: Language::of_system(),
        theme: preferences.appearance(),
        chats_hidden: preferences.chats_hidden(),
        hide_on_close: preferences.hide_on_close(),
        sidecar: relay.sidecar_state(),
        environment: json!(*environment.state().borrow()),
    }
}

#[tauri::command]
pub(crate) fn shell_set(
    app: AppHandle,
    window: WebviewWindow,
    data: State<'_, DataFolder>,
    preferences: State<'_, Preferences>,
    relay: State<'_, Relay>,
    environment: State<'_, Environment>,
    change: Change,
) -> Result<ShellState, RpcError> {
    if let Some(language) = change.language {
        preferences.set_language(language).map_err(unwritable)?;
        tray::translate(&app, preferences.language()).map_err(internal)?;
        menu::install(&app, preferences.language()).map_err(internal)?;
    }
    if let Some(theme) = change.theme {
        preferences.set_appearance(theme).map_err(unwritable)?;
        window.set_theme(theme.theme()).map_err(internal)?;
    }
    if let Some(hidden) = change.chats_hidden {
        preferences.set_chats_hidden(hidden).map_err(unwritable)?;
    }
    if let Some(hide) = change.hide_on_close {
        preferences.set_hide_on_close(hide).map_err(unwritable)?;
    }
    Ok(shell_state(app, data, preferences, relay, environment))
}
