//! The one window: where it opens, what it may load, and what ends with it.

use std::sync::Once;
use std::time::Duration;

use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::{AppHandle, DragDropEvent, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent};

use crate::data_folder::DataFolder;
use crate::offered::Offered;
use crate::preferences::{Geometry, Preferences};
use crate::relay::Relay;

pub(crate) const LABEL: &str = "main";
const DEFAULT: Geometry = Geometry { width: 1080.0, height: 760.0, x: 0.0, y: 0.0, maximized: false };
const LEAST: (f64, f64) = (480.0, 480.0);

/// A page that has not begun by then is waited for in sight.
const LONGEST_HIDDEN: Duration = Duration::from_secs(5);

/// A proxy that nobody is: the content security policy does not hold what a web view connects ahead for a link, nor, with
/// WebKit, the reports of a policy that a page adds by itself. On Linux nobody but the system may listen below 1024. Names
/// that a page has looked up ahead (`dns-prefetch`) are not sent to a proxy, and still are looked up.
fn nowhere() -> tauri::Result<Url> {
    Url::parse("http://127.0.0.1:1").map_err(tauri::Error::InvalidUrl)
}

/// Opens the window where it was last time. It is seen once its page begins: until then it would be blank, for the
/// half of a second that the web view takes to start its processes.
pub(crate) fn open(app: &AppHandle) -> tauri::Result<()> {
    let preferences = app.state::<Preferences>();
    let kept = preferences.geometry().filter(|geometry| is_on_a_monitor(app, geometry));
    let Geometry { width, height, x, y, maximized } = kept.unwrap_or(DEFAULT);
    let builder = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("index.html".into()))
        .title("Knowledge Focus")
        .visible(false)
        .inner_size(width.max(LEAST.0), height.max(LEAST.1))
        .min_inner_size(LEAST.0, LEAST.1)
        .maximized(maximized)
        .theme(preferences.appearance().theme())
        // For those who read larger letters: Ctrl (on macOS Cmd) with + and −.
        .zoom_hotkeys_enabled(true)
        // One for each data folder, as all else. On macOS the system keeps it where it likes.
        .data_directory(app.state::<DataFolder>().web())
        // The page comes from the app itself and needs no network: what would go there goes nowhere.
        .proxy_url(nowhere()?)
        .prevent_overflow()
        // The page is ours and stays; a link in a model's answer opens nothing by itself.
        .on_navigation(is_our_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_page_load(|window, load| match load.event() {
            PageLoadEvent::Started => {
                page_gone(window.app_handle(), window.label());
                show_once(&window);
            }
            PageLoadEvent::Finished => tracing::info!("the page is loaded"),
        });
    let builder = if kept.is_some() { builder.position(x, y) } else { builder.center() };
    let window = builder.build()?;
    #[cfg(target_os = "linux")]
    window.with_webview(|webview| reload_after_death(&webview.inner()))?;
    let in_any_case = window.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(LONGEST_HIDDEN).await;
        show_once(&in_any_case);
    });
    let of_window = window.clone();
    window.on_window_event(move |event| match event {
        WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) => {
            of_window.state::<Offered>().offer_dropped(of_window.label(), paths.iter().cloned());
        }
        WindowEvent::CloseRequested { api, .. } => {
            remember(&of_window);
            if of_window.state::<Preferences>().hide_on_close() {
                api.prevent_close();
                hide(&of_window);
            }
        }
        WindowEvent::Destroyed => page_gone(of_window.app_handle(), of_window.label()),
        _ => {}
    });
    Ok(())
}

/// Later pages find the window as the person left it.
fn show_once(window: &WebviewWindow) {
    static SHOWN: Once = Once::new();
    SHOWN.call_once(|| {
        if let Err(error) = window.show() {
            tracing::error!(%error, "the window cannot be shown");
        }
    });
}

/// Without its web process, as when memory runs out, a window would stay dead. On macOS Tauri does this by itself.
#[cfg(target_os = "linux")]
fn reload_after_death(page: &webkit2gtk::WebView) {
    use webkit2gtk::WebViewExt;

    page.connect_web_process_terminated(|page, reason| {
        tracing::error!(?reason, "the web process ended: loading the page again");
        page.reload();
    });
}

/// The person closed it, and the app goes on, or takes a moment to end.
pub(crate) fn hide(window: &WebviewWindow) {
    if let Err(error) = window.hide() {
        tracing::warn!(%error, "the window cannot be hidden");
    }
}

/// Shows the window to a person who started the app a second time, or asked for it in the tray.
pub(crate) fn come_forward(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    let shown = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!(%error, "the window does not come forward");
    }
}

/// Keeps size and place for the next start.
pub(crate) fn remember(window: &WebviewWindow) {
    let preferences = window.state::<Preferences>();
    let kept = match measure(window, preferences.geometry()) {
        Ok(geometry) => preferences.set_geometry(geometry).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = kept {
        tracing::warn!(error, "the window's place is not kept");
    }
}

/// A maximized window keeps the size it had before, to go back to.
fn measure(window: &WebviewWindow, last: Option<Geometry>) -> tauri::Result<Geometry> {
    if window.is_maximized()? {
        return Ok(Geometry { maximized: true, ..last.unwrap_or(DEFAULT) });
    }
    let scale = window.scale_factor()?;
    let size = window.inner_size()?.to_logical::<f64>(scale);
    let place = window.outer_position()?.to_logical::<f64>(scale);
    Ok(Geometry { width: size.width, height: size.height, x: place.x, y: place.y, maximized: false })
}

/// A monitor may have been unplugged since: its windows would open out of sight.
fn is_on_a_monitor(app: &AppHandle, geometry: &Geometry) -> bool {
    let Ok(monitors) = app.available_monitors() else { return false };
    let (x, y) = (geometry.x + geometry.width / 2.0, geometry.y);
    monitors.iter().any(|monitor| {
        let place = monitor.position().to_logical::<f64>(monitor.scale_factor());
        let size = monitor.size().to_logical::<f64>(monitor.scale_factor());
        let across = (place.x..place.x + size.width).contains(&x);
        across && (place.y..place.y + size.height).contains(&y)
    })
}

fn is_our_page(url: &Url) -> bool {
    (url.scheme() == "tauri" && url.host_str() == Some("localhost")) || url.as_str() == "about:blank"
}

fn page_gone(app: &AppHandle, label: &str) {
    app.state::<Relay>().page_gone(label);
    app.state::<Offered>().forget(label);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_shows_its_own_page_and_no_other() {
        let allowed = |url: &str| is_our_page(&Url::parse(url).expect("a URL"));
        assert!(allowed("tauri://localhost/"));
        assert!(allowed("tauri://localhost/index.html#/chat"));
        for url in [
            "https://example.com/",
            "http://localhost:8080/",
            "file:///etc/passwd",
            "data:text/html,x",
            "tauri://evil/",
        ] {
            assert!(!allowed(url), "{url}");
        }
    }
}
