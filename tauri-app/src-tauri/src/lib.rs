//! The shell: a window, and the sidecar behind it.
//!
//! It starts, watches and relays, and holds no state that a restart would lose, but for keys of providers that were given for
//! one run. The commands the window may call are listed in `COMMANDS.md`.

mod allow_list;
mod app;
mod arguments;
mod attachment;
mod background;
mod bundle;
mod clipboard;
mod commands;
mod consent;
mod data_folder;
mod deletion;
mod diagnostics;
mod discretion;
mod disk;
mod environment;
mod erasure;
mod instance;
mod localhost_proxy;
mod logs;
mod menu;
mod offered;
mod own_environment;
mod page;
mod preferences;
mod question;
mod relay;
mod resumption;
mod serving;
mod source;
mod tray;
mod updating;
mod web_data;
mod window;

use std::error::Error;
use std::io;
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
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
    own_environment::close();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Help and version are answers too, and go to stdout.
            let code = if answer.use_stderr() { BAD_ARGUMENTS } else { 0 };
            return answer.print().map_or(ExitCode::FAILURE, |()| ExitCode::from(code));
        }
    };
    if let Some(Command::Serve(serve)) = &arguments.command {
        return serving::run(&arguments, serve);
    }
    let (data, instance) = match take_folder(&arguments) {
        Ok(Some(taken)) => taken,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => return fail(&*error, DATA_FOLDER_REFUSED),
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

/// The data folder, claimed for this process. `None`: there is nothing left to do.
fn take_folder(arguments: &Arguments) -> Result<Option<(DataFolder, Instance)>, Box<dyn Error>> {
    loop {
        let data = DataFolder::open(arguments.data_dir.as_deref())?;
        // The window that is open comes forward instead of a second one.
        let Claim::First(instance) = Instance::claim(data.path())? else { return Ok(None) };
        if !erasure::is_begun(&data) {
            return Ok(if arguments.finish_erasing { None } else { Some((data, instance)) });
        }
        if arguments.finish_erasing {
            erasure::wait_for_children();
        }
        if let Err(error) = erasure::finish(&data, &web_data::outside()) {
            if arguments.finish_erasing && error.kind() != io::ErrorKind::ResourceBusy {
                return Err(format!("not everything could be erased: {error}").into());
            }
            // Nothing is gone: a later start does it.
            if error.kind() == io::ErrorKind::ResourceBusy {
                return Err(error.into());
            }
            eprintln!("knowledge-focus: not everything could be erased: {error}");
            erasure::give_up(&data)?;
        }
        // All goes on as at a first launch.
        if arguments.finish_erasing {
            return Ok(None);
        }
    }
}

fn fail(error: &dyn Error, code: u8) -> ExitCode {
    eprintln!("knowledge-focus: {error}");
    ExitCode::from(code)
}
