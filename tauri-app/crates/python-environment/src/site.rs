//! Makes the bundled sidecar importable in the environment.
//!
//! `python -I` looks neither at the working directory nor at `PYTHONPATH`, and the project is no package that uv would
//! install (`tool.uv.package = false`). A path file in `site-packages` is what `-I` still reads: the code stays in the
//! bundle, where an update replaces it whole and a signature covers it, and `-m sidecar` works for every process that is
//! started with this interpreter. It is written again whenever the bundle is somewhere else than at the last start (an
//! AppImage is, each time).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::stamp::replace;

const PATH_FILE: &str = "knowledge-focus.pth";

/// The environment's folder of packages.
pub(crate) fn packages(target: &Path) -> io::Result<PathBuf> {
    for entry in fs::read_dir(target.join("lib"))?.flatten() {
        let folder = entry.path().join("site-packages");
        if entry.file_name().as_encoded_bytes().starts_with(b"python") && folder.is_dir() {
            return Ok(folder);
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "the environment has no site-packages"))
}

/// Distributions that are installed.
pub(crate) fn count(packages: &Path) -> io::Result<usize> {
    let names = fs::read_dir(packages)?.flatten().map(|entry| entry.file_name());
    Ok(names.filter(|name| name.as_encoded_bytes().ends_with(b".dist-info")).count())
}

/// From now on the environment's interpreter finds the packages in `project`.
pub(crate) fn open_to(packages: &Path, project: &Path) -> io::Result<()> {
    let line = project.to_str().filter(|path| path.starts_with('/') && !path.contains(['\n', '\r']));
    let line = line.ok_or_else(|| io::Error::other("the program's folder has a name that Python cannot be told"))?;
    let (file, content) = (packages.join(PATH_FILE), format!("{line}\n"));
    if fs::read(&file).is_ok_and(|found| found == content.as_bytes()) {
        return Ok(());
    }
    replace(&file, content.as_bytes())
}
