//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use cli::Serve;

/// A private assistant for the files on this computer.
#[derive(Debug, Parser)]
#[command(name = "knowledge-focus", version)]
pub(crate) struct Arguments {
    /// Folder for everything the app keeps [default: the platform's data folder]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,

    /// JSON file that lists the built-in models [default: the shipped list]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) catalog: Option<PathBuf>,

    /// Folder to use in place of the package's own `sidecar-bundle`, also in a source checkout: for tests of the first launch
    #[arg(long, value_name = "DIR", hide = true, global = true)]
    pub(crate) bundle: Option<PathBuf>,

    /// Finish erasing everything, and leave: the app says so to itself
    #[arg(long, hide = true)]
    pub(crate) finish_erasing: bool,

    /// Without one, the window opens
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

impl Arguments {
    /// The catalog, named from where the person is and not from where the sidecar runs.
    pub(crate) fn catalog(&self) -> Option<PathBuf> {
        self.catalog.as_deref().map(|path| std::path::absolute(path).unwrap_or(path.to_owned()))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(Serve),
}
