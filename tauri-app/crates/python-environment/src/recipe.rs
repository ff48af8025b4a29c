//! What an environment is made from, and where it is kept.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::address::Address;

/// All that stays the same from one attempt to the next.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The uv to run.
    pub uv: PathBuf,
    /// The bundled project: `pyproject.toml`, `uv.lock` and the sidecar's code. Only read, as bundles are.
    pub project: PathBuf,
    /// A folder with wheels of all packages, where the app came with them: then nothing is fetched, unless the person
    /// names an index.
    pub wheels: Option<PathBuf>,
    /// How much is fetched where there are no wheels. Only who made the package knows: it depends on system and interpreter.
    pub download_bytes: Option<u64>,
    /// The interpreter that is asked for: a path or a version. Without one, any that the project allows.
    pub python: Option<String>,
    /// Where the environment is made.
    pub target: PathBuf,
    /// uv's cache. On the file system of `target`, so that packages are linked, not copied.
    pub cache: PathBuf,
    /// Where interpreters are kept that had to be fetched.
    pub interpreters: PathBuf,
    /// The folder for the log of what uv says.
    pub logs: PathBuf,
}

impl Recipe {
    /// An environment in the data folder `data_dir`, from the network and with any interpreter.
    pub fn new(uv: impl Into<PathBuf>, project: impl Into<PathBuf>, data_dir: &Path) -> Self {
        Self {
            uv: uv.into(),
            project: project.into(),
            wheels: None,
            download_bytes: None,
            python: None,
            target: data_dir.join("python"),
            cache: data_dir.join("cache/uv"),
            interpreters: data_dir.join("cache/cpython"),
            logs: data_dir.join("logs"),
        }
    }
}

/// Where a person wants things fetched from, instead of where they usually are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Mirrors {
    /// A package index (PEP 503), what uv calls `UV_DEFAULT_INDEX`.
    pub index: Option<Address>,
    /// Standalone interpreters, what uv calls `UV_PYTHON_INSTALL_MIRROR`.
    pub python: Option<Address>,
}
