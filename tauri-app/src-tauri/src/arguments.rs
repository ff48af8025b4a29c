//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// A private assistant for the files on this computer.
#[derive(Debug, Parser)]
#[command(name = "knowledge-focus", version)]
pub(crate) struct Arguments {
    /// Folder for everything the app keeps [default: the platform's data folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// JSON file that lists the built-in models [default: the shipped list]
    #[arg(long, value_name = "FILE")]
    pub(crate) catalog: Option<PathBuf>,

    /// Folder to use in place of the package's own `sidecar-bundle`, also in a source checkout: for tests of the first launch
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) bundle: Option<PathBuf>,

    /// Finish erasing everything, and leave: the app says so to itself
    #[arg(long, hide = true)]
    pub(crate) finish_erasing: bool,
}
