//! Makes the bundled sidecar importable in the environment.
//!
//! `python -I` looks neither at the working directory nor at `PYTHONPATH`, and the project is no package that uv would
//! install (`tool.uv.package = false`). A path file in `site-packages` is what `-I` still reads: the code stays in the
//! bundle, where an update replaces it whole and a signature covers it, and `-m sidecar` works for every process that is
//! started with this interpreter. It is written again whenever the bundle is somewhere else than at the last start
//! (macOS runs an app that was left where it was downloaded from another path each time: app translocation).

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
    Ok(distributions(packages)?.count())
}

fn distributions(packages: &Path) -> io::Result<impl Iterator<Item = PathBuf>> {
    let entries = fs::read_dir(packages)?.flatten();
    let of_packages = entries.filter(|entry| entry.file_name().as_encoded_bytes().ends_with(b".dist-info"));
    Ok(of_packages.map(|entry| entry.path()))
}

/// Whether every file that was installed is there, in its size.
pub(crate) fn is_whole(packages: &Path) -> io::Result<bool> {
    for distribution in distributions(packages)? {
        let Ok(record) = fs::read_to_string(distribution.join("RECORD")) else { return Ok(false) };
        if !record.lines().all(|line| is_there(packages, line)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A line is `path,hash,size`, where the last two may be empty and the first quoted
/// (<https://packaging.python.org/en/latest/specifications/recording-installed-packages/>).
fn is_there(packages: &Path, line: &str) -> bool {
    let mut fields = line.rsplitn(3, ',');
    let (size, _hash, path) = (fields.next(), fields.next(), fields.next());
    let Some(path) = path else { return line.is_empty() };
    let size = size.and_then(|digits| digits.parse::<u64>().ok());
    fs::metadata(packages.join(path.trim_matches('"'))).is_ok_and(|found| size.is_none_or(|size| size == found.len()))
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
