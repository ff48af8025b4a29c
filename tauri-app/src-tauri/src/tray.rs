//! The icon in the system's tray: brings the window back, holds background work, ends the app.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sidecar_host::Supervisor;
use tauri::menu::{CheckMenuItem, Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager, Wry};
use tokio::sync::watch;

use crate::background;
use crate::data_folder::DataFolder;
use crate::preferences::{Language, Preferences};
use crate::window;

const SHOW: &str = "show";
const PAUSE: &str = "pause";
const QUIT: &str = "quit";

/// What stands in its menu.
pub(crate) struct Tray {
    show: MenuItem<Wry>,
    pause: CheckMenuItem<Wry>,
    quit: MenuItem<Wry>,
    /// Whether background work is to be held, as the person clicked last.
    clicked: watch::Sender<bool>,
}

/// Puts the icon into the tray, if this system has one; the app goes on without.
pub(crate) fn open(app: &AppHandle, supervisor: Arc<Supervisor>) {
    // The library that draws it on Linux is looked for now, and one that is missing panics.
    match catch_unwind(AssertUnwindSafe(|| build(app))) {
        Ok(Ok(tray)) => {
            let clicked = tray.clicked.subscribe();
            app.manage(tray);
            let app = app.clone();
            tauri::async_runtime::spawn(background::follow(supervisor, clicked, move |paused| show(&app, paused)));
        }
        Ok(Err(error)) => tracing::warn!(%error, "there is no icon in the tray"),
        Err(_) => tracing::warn!("there is no icon in the tray: its library is missing"),
    }
}

fn build(app: &AppHandle) -> tauri::Result<Tray> {
    let words = Words::of(app.state::<Preferences>().language());
    let tray = Tray {
        show: MenuItem::with_id(app, SHOW, words.show, true, None::<&str>)?,
        pause: CheckMenuItem::with_id(app, PAUSE, words.pause, true, false, None::<&str>)?,
        quit: MenuItem::with_id(app, QUIT, words.quit, true, None::<&str>)?,
        clicked: watch::Sender::new(false),
    };
    let line = PredefinedMenuItem::separator(app)?;
    let menu = Menu::with_items(app, &[&tray.show, &tray.pause, &line, &tray.quit])?;
    let mut icon = TrayIconBuilder::with_id("tray")
        .menu(&menu)
        .tooltip("Knowledge Focus")
        // A system that takes its icons from files gets them from here, and nothing is left elsewhere.
        .temp_dir_path(app.state::<DataFolder>().tray())
        .on_menu_event(|app, event| match event.id().as_ref() {
            SHOW => window::come_forward(app),
            // The system has changed the mark already.
            PAUSE => app.state::<Tray>().click(),
            QUIT => app.exit(0),
            _ => {}
        });
    if let Some(image) = app.default_window_icon() {
        icon = icon.icon(image.clone());
    }
    icon.build(app)?;
    Ok(tray)
}

/// In the person's language from now on.
pub(crate) fn translate(app: &AppHandle, language: Language) -> tauri::Result<()> {
    let Some(tray) = app.try_state::<Tray>() else { return Ok(()) };
    let words = Words::of(language);
    tray.show.set_text(words.show)?;
    tray.pause.set_text(words.pause)?;
    tray.quit.set_text(words.quit)
}

impl Tray {
    fn click(&self) {
        match self.pause.is_checked() {
            Ok(paused) => drop(self.clicked.send_replace(paused)),
            Err(error) => tracing::warn!(%error, "whether background work is to be held is not known"),
        }
    }
}

struct Words {
    show: &'static str,
    pause: &'static str,
    quit: &'static str,
}

impl Words {
    fn of(language: Language) -> Self {
        match language {
            Language::En => {
                Self { show: "Show Knowledge Focus", pause: "Pause background work", quit: "Quit Knowledge Focus" }
            }
            Language::Zh => {
                Self { show: "显示 Knowledge Focus", pause: "暂停后台任务", quit: "退出 Knowledge Focus" }
            }
        }
    }
}

fn show(app: &AppHandle, paused: bool) {
    if let Err(error) = app.state::<Tray>().pause.set_checked(paused) {
        tracing::warn!(%error, "the tray does not show whether background work is held");
    }
}
