//! The shell's own log: JSON lines in the data folder, and no content of chats or files.

use std::sync::Mutex;

use sidecar_host::LogFile;

use crate::data_folder::DataFolder;

/// Sends everything logged from now on to `logs/shell.log`.
pub(crate) fn start(data: &DataFolder) {
    match LogFile::open(&data.logs(), "shell.log") {
        Ok(log) => {
            let lines = tracing_subscriber::fmt().json().with_max_level(tracing::Level::INFO);
            lines.with_writer(Mutex::new(log)).init();
        }
        // A full disk is no reason not to open the window, which will say so.
        Err(error) => eprintln!("knowledge-focus: no log is kept: {error}"),
    }
}
