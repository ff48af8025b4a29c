//! The system's clipboard, for what the page must not see.

use std::io;

use tauri::AppHandle;

/// Puts `text` on the clipboard, in place of what is there.
#[cfg(target_os = "linux")]
pub(crate) async fn copy(app: &AppHandle, text: &str) -> io::Result<()> {
    let text = text.to_owned();
    // GTK is its main thread's.
    app.run_on_main_thread(move || gtk::Clipboard::get(&gtk::gdk::SELECTION_CLIPBOARD).set_text(&text))
        .map_err(io::Error::other)
}

/// Puts `text` on the clipboard, in place of what is there.
#[cfg(target_os = "macos")]
pub(crate) async fn copy(_app: &AppHandle, text: &str) -> io::Result<()> {
    use std::process::Stdio;
    use tokio::io::AsyncWriteExt;

    let mut program = tokio::process::Command::new("/usr/bin/pbcopy").stdin(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = program.stdin.take() {
        stdin.write_all(text.as_bytes()).await?;
    }
    let status = program.wait().await?;
    if status.success() { Ok(()) } else { Err(io::Error::other("pbcopy failed")) }
}
