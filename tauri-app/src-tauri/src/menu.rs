//! The menu bar of macOS, in the person's language. Elsewhere the window has none.

use tauri::menu::{AboutMetadata, Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::{AppHandle, Wry};

use crate::preferences::Language;

const QUIT: &str = "menu-quit";
const NAME: &str = "Knowledge Focus";

/// Gives the app this menu.
pub(crate) fn install(app: &AppHandle, language: Language) -> tauri::Result<()> {
    if cfg!(target_os = "macos") {
        app.set_menu(build(app, language)?)?;
    }
    Ok(())
}

/// What its items of our own do.
pub(crate) fn chosen(app: &AppHandle, id: &str) {
    if id == QUIT {
        app.exit(0);
    }
}

fn build(app: &AppHandle, language: Language) -> tauri::Result<Menu<Wry>> {
    let words = |en: &'static str, zh: &'static str| match language {
        Language::En => en,
        Language::Zh => zh,
    };
    let line = || PredefinedMenuItem::separator(app);
    let about = words("About Knowledge Focus", "关于 Knowledge Focus");
    // Not the system's own item, which would end the process without closing the window first.
    let quit =
        MenuItem::with_id(app, QUIT, words("Quit Knowledge Focus", "退出 Knowledge Focus"), true, Some("Cmd+Q"))?;
    let main = Submenu::with_items(
        app,
        NAME,
        true,
        &[
            &PredefinedMenuItem::about(app, Some(about), Some(AboutMetadata::default()))?,
            &line()?,
            &PredefinedMenuItem::hide(app, Some(words("Hide Knowledge Focus", "隐藏 Knowledge Focus")))?,
            &PredefinedMenuItem::hide_others(app, Some(words("Hide Others", "隐藏其他")))?,
            &PredefinedMenuItem::show_all(app, Some(words("Show All", "全部显示")))?,
            &line()?,
            &quit,
        ],
    )?;
    let edit = Submenu::with_items(
        app,
        words("Edit", "编辑"),
        true,
        &[
            &PredefinedMenuItem::undo(app, Some(words("Undo", "撤销")))?,
            &PredefinedMenuItem::redo(app, Some(words("Redo", "重做")))?,
            &line()?,
            &PredefinedMenuItem::cut(app, Some(words("Cut", "剪切")))?,
            &PredefinedMenuItem::copy(app, Some(words("Copy", "拷贝")))?,
            &PredefinedMenuItem::paste(app, Some(words("Paste", "粘贴")))?,
            &PredefinedMenuItem::select_all(app, Some(words("Select All", "全选")))?,
        ],
    )?;
    let window = Submenu::with_items(
        app,
        words("Window", "窗口"),
        true,
        &[
            &PredefinedMenuItem::minimize(app, Some(words("Minimize", "最小化")))?,
            &PredefinedMenuItem::maximize(app, Some(words("Zoom", "缩放")))?,
            &PredefinedMenuItem::fullscreen(app, Some(words("Enter Full Screen", "进入全屏幕")))?,
            &line()?,
            &PredefinedMenuItem::close_window(app, Some(words("Close", "关闭")))?,
        ],
    )?;
    Menu::with_items(app, &[&main, &edit, &window])
}
