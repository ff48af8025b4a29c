//! Puts the parts together and runs until the window closes or the system asks the app to leave.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use keychain::{Keychain, Keys};
use sidecar_host::Client;
use tauri::{AppHandle, Manager, RunEvent};
use tokio::signal::unix::{SignalKind, signal};

use crate::allow_list::AllowList;
use crate::arguments::Arguments;
use crate::attachment::Attachments;
use crate::commands;
use crate::consent::Agreements;
use crate::data_folder::DataFolder;
use crate::instance::Instance;
use crate::localhost_proxy::LocalhostProxy;
use crate::offered::Offered;
use crate::preferences::Preferences;
use crate::relay::Relay;
use crate::source::{NoSidecar, Source};
use crate::updating::Updating;
use crate::{erasure, menu, resumption, tray, web_data, window};

#[derive(Debug, thiserror::Error)]
#[cfg(target_os = "linux")]
#[error("no display can be reached to open a window on (DISPLAY={display:?}, WAYLAND_DISPLAY={wayland:?})")]
struct NoDisplay {
    display: String,
    wayland: String,
}

/// Runs the app; returns once it has left nothing behind.
pub(crate) fn run(data: &DataFolder, arguments: &Arguments, instance: Instance) -> Result<(), Box<dyn Error>> {
    let source = Source::named(arguments)?;
    let catalog = arguments.catalog();
    #[cfg(target_os = "linux")]
    check_display()?;
    let for_setup = data.clone();
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_store::Builder::new().build())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::Builder::new().open_js_links_on_click(false).build())
        .invoke_handler(tauri::generate_handler![
            commands::rpc::rpc_call,
            commands::rpc::rpc_cancel,
            commands::rpc::rpc_subscribe,
            commands::attach::attach_paths,
            commands::attach::attach_bytes,
            commands::attach::attachment_bytes,
            commands::attach::pick_pictures,
            commands::folder::pick_folder,
            commands::shell::shell_state,
            commands::shell::shell_set,
            commands::link::open_link,
            commands::environment::environment_retry,
            commands::environment::environment_cancel,
            commands::environment::environment_repair,
            commands::rpc::engine_restart,
            commands::disk_access::disk_access,
            commands::disk_access::disk_access_settings,
            commands::diagnostics::diagnostics,
            commands::diagnostics::export_diagnostics,
            commands::secret::secret_set,
            commands::secret::secret_delete,
            commands::proxy::proxy_state,
            commands::proxy::proxy_set,
            commands::proxy::proxy_copy_token,
            commands::proxy::proxy_renew_token,
            commands::update::update_check,
            commands::update::update_fetch,
            commands::update::update_cancel,
            commands::storage::storage_outside,
            commands::storage::erase_everything,
        ])
        .on_menu_event(|app, event| menu::chosen(app, event.id().as_ref()))
        .setup(move |app| set_up(app.handle(), &for_setup, source, catalog, instance))
        .build(context())?;
    app.run(|app, event| match event {
        RunEvent::ExitRequested { .. } => hide(app),
        // A click on its icon in the Dock.
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => window::come_forward(app),
        // The loop has ended and the process is about to: this wait is what leaves nothing behind.
        RunEvent::Exit => {
            let (relay, proxy) = (app.state::<Relay>(), app.state::<LocalhostProxy>());
            tauri::async_runtime::block_on(async { tokio::join!(proxy.shut_down(), relay.shut_down()) });
            tracing::info!("the app has left, and its sidecar");
            erase_if_begun(&app.state::<DataFolder>());
        }
        _ => {}
    });
    Ok(())
}

/// Configuration, permissions and the window's files, as the build script wrote them.
#[expect(clippy::unwrap_used, reason = "generated code")]
pub(crate) fn context() -> tauri::Context {
    tauri::tauri_build_context!()
}

fn set_up(
    app: &AppHandle,
    data: &DataFolder,
    source: Option<Source>,
    catalog: Option<PathBuf>,
    instance: Instance,
) -> Result<(), Box<dyn Error>> {
    let source = source.or_else(|| Source::packaged(&app.path().resource_dir().ok()?)).ok_or(NoSidecar)?;
    let preferences = Preferences::open(app, data)?;
    let client = Client {
        name: "knowledge-focus".into(),
        version: app.package_info().version.to_string(),
        locale: preferences.language().tag().into(),
    };
    app.manage(Updating::new(app.package_info().version.clone(), source.releases()));
    // Before the window: its first question finds a sidecar that is nearly ready.
    let (environment, supervisor, keys, proxy) = tauri::async_runtime::block_on(async {
        let (environment, supervisor) = source.start(data.path(), catalog, client);
        let supervisor = Arc::new(supervisor);
        let keychain = Keychain::of_folder(data.path(), keychain::PATIENCE);
        let proxy =
            LocalhostProxy::new(Arc::clone(&supervisor), keychain.clone(), data.api_socket(), environment.held_up());
        let keys = Keys::start(Arc::clone(&supervisor), keychain);
        tokio::spawn(resumption::follow(Arc::clone(&supervisor), keys.lent()));
        (environment, supervisor, keys, proxy)
    });
    app.manage(preferences);
    app.manage(proxy);
    app.manage(environment);
    app.manage(keys);
    let agreements = Arc::new(Agreements::default());
    app.manage(Relay::new(Arc::clone(&supervisor), AllowList::of_window()?, Arc::clone(&agreements)));
    app.manage(agreements);
    app.manage(Attachments::in_folder(data.attachments()));
    app.manage(Offered::default());
    app.manage(data.clone());
    menu::install(app, app.state::<Preferences>().language())?;
    window::open(app)?;
    tray::open(app, supervisor);
    let of_instance = app.clone();
    instance.on_second_start(move || window::come_forward(&of_instance))?;
    leave_on_signal(app.clone());
    let of_proxy = app.clone();
    // The keychain may ask the person first.
    tauri::async_runtime::spawn(async move {
        let (preferences, proxy) = (of_proxy.state::<Preferences>(), of_proxy.state::<LocalhostProxy>());
        let alone = proxy.alone().await;
        proxy.apply(alone, &preferences.proxy()).await;
    });
    Ok(())
}

/// Last of all: until now the window could still write.
fn erase_if_begun(data: &DataFolder) {
    if erasure::is_begun(data) {
        let error = erasure::become_finisher(data);
        tracing::error!(%error, "no process of its own erases everything: this one does");
        if let Err(error) = erasure::finish(data, &web_data::outside()) {
            eprintln!("knowledge-focus: not everything could be erased: {error}");
        }
    }
}

/// Without this a display that is missing or refuses the app is a panic deep inside the window's event loop.
#[cfg(target_os = "linux")]
fn check_display() -> Result<(), NoDisplay> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    gtk::init().map_err(|_| NoDisplay { display: variable("DISPLAY"), wayland: variable("WAYLAND_DISPLAY") })
}

/// SIGTERM, SIGINT (Ctrl+C) and SIGHUP (the terminal closed) leave the same way as the window's close button.
fn leave_on_signal(app: AppHandle) {
    tauri::async_runtime::spawn(async move {
        let listen = || {
            Ok::<_, std::io::Error>([
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::hangup())?,
            ])
        };
        match listen() {
            Ok([mut terminate, mut interrupt, mut hangup]) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = hangup.recv() => {}
                }
                app.exit(0);
            }
            Err(error) => tracing::warn!(%error, "signals end the app without its own farewell"),
        }
    });
}

/// The person asked it to leave: the window goes at once, the sidecar may take its seconds.
fn hide(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(window::LABEL) {
        window::remember(&window);
        window::hide(&window);
    }
}
