//! The folder for everything the app keeps.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The app's name among the platform's data folders.
const IDENTIFIER: &str = "knowledge-focus.huozhong.in";

#[derive(Debug, thiserror::Error)]
pub(crate) enum DataFolderError {
    #[error("this account has no data folder; name one with --data-dir")]
    NoPlatformFolder,
    #[error("{} is not a folder", .0.display())]
    NoFolder(PathBuf),
    #[error("the data folder {} cannot be used: {cause}", folder.display())]
    Unusable { folder: PathBuf, cause: io::Error },
}

/// An existing folder, by its canonical path: two names of one folder are one app.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder(PathBuf);

impl DataFolder {
    /// The folder `chosen`, or the platform's; made for its owner alone if it is missing.
    pub(crate) fn open(chosen: Option<&Path>) -> Result<Self, DataFolderError> {
        let folder = match chosen {
            Some(chosen) => chosen.to_owned(),
            None => dirs::data_dir().ok_or(DataFolderError::NoPlatformFolder)?.join(IDENTIFIER),
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .and_then(|()| fs::canonicalize(&folder))
            .map(Self)
            .map_err(|cause| match cause.kind() {
                io::ErrorKind::AlreadyExists => DataFolderError::NoFolder(folder),
                _ => DataFolderError::Unusable { folder, cause },
            })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn attachments(&self) -> PathBuf {
        self.0.join("attachments")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    pub(crate) fn preferences(&self) -> PathBuf {
        self.0.join("shell.json")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_data_folder_belongs_to_its_owner_alone() {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let folder = DataFolder::open(Some(&temporary.path().join("a/b"))).expect("it can be made");
        let mode = fs::metadata(folder.path()).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_file_in_its_place_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let error = DataFolder::open(Some(file.path())).expect_err("a file is no folder");
        assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
    }
}
