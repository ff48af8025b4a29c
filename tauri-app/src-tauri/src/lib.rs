//! The shell: a window, and the sidecar behind it.
//!
//! It starts, watches and relays, and holds no state that a restart would lose, but for keys of providers that were given for
//! one run. The commands the window may call are listed in `COMMANDS.md`.

mod allow_list;
mod app;
mod arguments;
mod attachment;
mod bundle;
mod commands;
mod data_folder;
mod diagnostics;
mod discretion;
mod disk;
mod disk_access;
mod environment;
mod instance;
mod logs;
mod offered;
mod page;
mod preferences;
mod relay;
mod window;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::data_folder::DataFolder;
use crate::instance::{Claim, Instance};

/// Exit code for a command line that makes no sense (`EX_USAGE` of sysexits).
const BAD_ARGUMENTS: u8 = 64;
/// Exit code for a data folder that cannot be used (`EX_CANTCREAT`).
const DATA_FOLDER_REFUSED: u8 = 73;
/// Exit code for a window that cannot be opened (`EX_UNAVAILABLE`).
const NO_WINDOW: u8 = 69;

/// Runs the app until its window is closed; returns the process's exit code.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Help and version are answers too, and go to stdout.
            let code = if answer.use_stderr() { BAD_ARGUMENTS } else { 0 };
            return answer.print().map_or(ExitCode::FAILURE, |()| ExitCode::from(code));
        }
    };
    let data = match DataFolder::open(arguments.data_dir.as_deref()) {
        Ok(data) => data,
        Err(error) => return fail(&error, DATA_FOLDER_REFUSED),
    };
    let instance = match Instance::claim(data.path()) {
        Ok(Claim::First(instance)) => instance,
        // The window that is open comes forward instead of a second one.
        Ok(Claim::Told) => return ExitCode::SUCCESS,
        Err(error) => return fail(&error, DATA_FOLDER_REFUSED),
    };
    logs::start(&data);
    match app::run(&data, &arguments, instance) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the app cannot run");
            fail(&*error, NO_WINDOW)
        }
    }
}

fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    eprintln!("knowledge-focus: {error}");
    ExitCode::from(code)
}
