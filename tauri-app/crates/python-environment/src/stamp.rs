//! The mark of a finished environment: compared first, written last.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::site;

/// In the environment's folder. Also says that the folder is ours.
const NAME: &str = ".knowledge-focus.json";

/// All that an environment depends on, and what is there when it is finished.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// SHA-256 of `pyproject.toml` and `uv.lock`.
    project: String,
    /// What `uv --version` says.
    uv: String,
    /// The interpreter that was asked for.
    request: Option<String>,
    /// The interpreter itself, links resolved: it may have been uninstalled or replaced since.
    interpreter: PathBuf,
    /// Installed distributions: somebody may have tidied up.
    packages: usize,
}

/// What is in the environment's folder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing, or no folder.
    Nothing,
    Finished,
    /// Begun, or finished from something else.
    Unfinished,
    /// Somebody else's things.
    Foreign,
}

impl Stamp {
    /// What a finished environment at `target` has to be stamped with.
    ///
    /// # Errors
    /// A part of it is missing.
    pub(crate) fn of(project: &Path, uv: &str, request: Option<&str>, target: &Path) -> io::Result<Self> {
        Ok(Self {
            project: digest(project)?,
            uv: uv.to_owned(),
            request: request.map(str::to_owned),
            interpreter: fs::canonicalize(interpreter(target))?,
            packages: site::count(&site::packages(target)?)?,
        })
    }

    /// Finds the environment at `target` finished with this stamp, or not.
    pub(crate) fn find(target: &Path, expected: &io::Result<Self>) -> Found {
        let file = target.join(NAME);
        if let Ok(content) = fs::read(&file) {
            let stamp = serde_json::from_slice::<Self>(&content).ok();
            let same = matches!((stamp, expected), (Some(stamp), Ok(expected)) if stamp == *expected);
            return if same { Found::Finished } else { Found::Unfinished };
        }
        match fs::read_dir(target).map(|mut entries| entries.next().is_none()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
            Ok(true) => Found::Nothing,
            Ok(false) if target.join("pyvenv.cfg").is_file() => Found::Unfinished,
            _ => Found::Foreign,
        }
    }

    pub(crate) fn write(&self, target: &Path) -> io::Result<()> {
        replace(&target.join(NAME), &serde_json::to_vec_pretty(self)?)
    }

    /// An empty folder at `target` that is marked as ours. From here on it counts as unfinished.
    pub(crate) fn begin(target: &Path) -> io::Result<()> {
        fs::create_dir_all(target)?;
        // First of all, so that whatever happens from here on the folder is known as ours, and never as finished.
        replace(&target.join(NAME), b"{}")?;
        for entry in fs::read_dir(target)? {
            let entry = entry?;
            if entry.file_name() == NAME {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// The environment's Python.
pub(crate) fn interpreter(target: &Path) -> PathBuf {
    target.join("bin/python")
}

fn digest(project: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    for name in ["pyproject.toml", "uv.lock"] {
        let content = fs::read(project.join(name))?;
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(content);
    }
    Ok(format!("{:x}", hash.finalize()))
}

/// Writes a file whole or not at all.
pub(crate) fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = file.parent().ok_or_else(|| io::Error::other("a file is in a folder"))?;
    let mut written = tempfile::NamedTempFile::new_in(folder)?;
    written.write_all(content)?;
    written.as_file().sync_all()?;
    written.persist(file)?;
    Ok(())
}
