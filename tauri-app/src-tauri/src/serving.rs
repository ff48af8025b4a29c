//! `knowledge-focus serve`: the same data folder and the same sidecar as the window's, one after the other.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use cli::{Serve, ServeError};
use sidecar_host::Client;
use tauri::utils::platform::resource_dir;
use tauri::{Context, Env, Wry};

use crate::arguments::Arguments;
use crate::data_folder::DataFolder;
use crate::source::{NoSidecar, Source};
use crate::{DATA_FOLDER_REFUSED, app, erasure, fail, logs};

/// Whoever reads what a program without a window says reads English.
const LOCALE: &str = "en";

/// A folder that is being erased belongs to whoever erases it.
#[derive(Debug, thiserror::Error)]
#[error("everything in this data folder is being erased; open the app once to finish that")]
struct Erasing;

/// Serves until a signal asks it to leave; returns the process's exit code.
pub(crate) fn run(arguments: &Arguments, serve: &Serve) -> ExitCode {
    let data = match folder(arguments) {
        Ok(data) => data,
        Err(error) => return fail(&*error, DATA_FOLDER_REFUSED),
    };
    logs::start(&data);
    match served(arguments, serve, &data) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = error.downcast_ref().map_or(ExitCode::FAILURE, |error: &ServeError| error.exit_code().into());
            eprintln!("knowledge-focus: {error}");
            code
        }
    }
}

fn folder(arguments: &Arguments) -> Result<DataFolder, Box<dyn Error>> {
    let data = DataFolder::open(arguments.data_dir.as_deref())?;
    if erasure::is_begun(&data) { Err(Erasing.into()) } else { Ok(data) }
}

fn served(arguments: &Arguments, serve: &Serve, data: &DataFolder) -> Result<(), Box<dyn Error>> {
    let context: Context<Wry> = app::context();
    let packaged = || Source::packaged(&resource_dir(context.package_info(), &Env::default()).ok()?);
    let source = Source::named(arguments)?.or_else(packaged).ok_or(NoSidecar)?;
    let version = context.package_info().version.to_string();
    let client = Client { name: "knowledge-focus-serve".into(), version, locale: LOCALE.into() };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let (environment, supervisor) = source.start(data.path(), arguments.catalog(), client);
        // The first time it takes minutes in which nothing else is heard.
        let failure = environment.failure(preparing);
        Ok(cli::serve(serve, data.path(), supervisor, failure).await?)
    })
}

fn preparing() {
    // Whoever read it may have gone.
    let _ = writeln!(io::stderr(), "knowledge-focus: preparing the Python environment …");
}
