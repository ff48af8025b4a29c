//! The folder for everything the app keeps.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use cli::UNFINISHED_TOKEN;
use openai_proxy::SOCKET;

// The sidecar refuses the same folders (sidecar/data_folder.py; a test compares the two), but the shell comes first and
// writes files of its own there.

/// What the folder is called where nobody chose one; all that is in a folder of this name is ours.
pub(crate) const PLATFORM_NAME: &str = "knowledge-focus.huozhong.in";
/// A folder with one of these is ours, whatever else somebody put there.
const SIGNS: &[&str] = &["builtin_models", "knowledge-focus.erasing", "knowledge-focus.db"];
/// All that may be in a folder of ours that has no sign yet.
const OTHER_OWN_NAMES: &[&str] = &[
    "api.sock",
    "api.token",
    "attachments",
    "cache",
    "copies",
    "knowledge-focus.db-shm",
    "knowledge-focus.db-wal",
    "lock",
    "logs",
    "python",
    "shell.json",
    "web",
    "window.bell",
    "window.lock",
    ".DS_Store",
];
/// The note that all of it goes.
pub(crate) const ERASING: &str = "knowledge-focus.erasing";
/// How the names of files begin that take the place of `shell.json` and `api.token` in a moment; a kill leaves them.
const UNFINISHED: &[&str] = &[UNFINISHED_PREFERENCES, UNFINISHED_TOKEN];
pub(crate) const UNFINISHED_PREFERENCES: &str = ".shell-";
/// Set on a folder that many people write in.
const STICKY: u32 = 0o1000;

#[derive(Debug, thiserror::Error)]
pub(crate) enum DataFolderError {
    #[error("this account has no data folder; name one with --data-dir")]
    NoPlatformFolder,
    #[error("{} is not a folder", .0.display())]
    NoFolder(PathBuf),
    #[error("{} is or holds your home folder; name a folder of its own for the data", .0.display())]
    Home(PathBuf),
    #[error("{} is shared by many; name a folder of its own for the data", .0.display())]
    Shared(PathBuf),
    #[error("{} holds other things; name a new or empty folder for the data", .0.display())]
    OtherThings(PathBuf),
    #[error("the data folder {} cannot be used: {cause}", folder.display())]
    Unusable { folder: PathBuf, cause: io::Error },
}

/// An existing folder, by its canonical path: two names of one folder are one app.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder(PathBuf);

impl DataFolder {
    /// The folder `chosen`, or the platform's; made if it is missing, and for its owner alone. One that is not ours is
    /// refused, and nothing about it is changed.
    pub(crate) fn open(chosen: Option<&Path>) -> Result<Self, DataFolderError> {
        let folder = match chosen {
            Some(chosen) => chosen.to_owned(),
            None => dirs::data_dir().ok_or(DataFolderError::NoPlatformFolder)?.join(PLATFORM_NAME),
        };
        Self::open_of(dirs::home_dir().as_deref(), &folder)
    }

    fn open_of(home: Option<&Path>, folder: &Path) -> Result<Self, DataFolderError> {
        let found = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .and_then(|()| fs::canonicalize(folder))
            .map_err(|cause| match cause.kind() {
                io::ErrorKind::AlreadyExists => DataFolderError::NoFolder(folder.to_owned()),
                _ => DataFolderError::Unusable { folder: folder.to_owned(), cause },
            })?;
        check(&found, home)?;
        // One that was open to others, or is theirs, in which case this fails.
        fs::set_permissions(&found, fs::Permissions::from_mode(0o700))
            .map_err(|cause| DataFolderError::Unusable { folder: found.clone(), cause })?;
        Ok(Self(found))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn attachments(&self) -> PathBuf {
        self.0.join("attachments")
    }

    /// Where the system's web view keeps what it has of the window, as far as it lets itself be told (not on macOS).
    pub(crate) fn web(&self) -> PathBuf {
        self.0.join("web")
    }

    /// What in the folder is the app's: all of it, where the folder has its name.
    pub(crate) fn own_entries(&self) -> io::Result<Vec<PathBuf>> {
        let platforms = self.is_platforms();
        let is_ours = |name: &OsStr| SIGNS.iter().any(|sign| name == *sign) || is_own(name);
        let entries = fs::read_dir(&self.0)?.collect::<Result<Vec<_>, _>>()?;
        let ours = entries.iter().filter(|entry| platforms || is_ours(&entry.file_name()));
        Ok(ours.map(fs::DirEntry::path).collect())
    }

    /// The sidecar's environment, where the app makes it.
    pub(crate) fn python(&self) -> PathBuf {
        self.0.join("python")
    }

    /// Whether it is the platform's, by its name.
    pub(crate) fn is_platforms(&self) -> bool {
        self.0.ends_with(PLATFORM_NAME)
    }

    /// For the icon in the tray, where the system wants a file of it.
    pub(crate) fn tray(&self) -> PathBuf {
        self.0.join("cache/tray")
    }

    /// The socket of the localhost proxy.
    pub(crate) fn api_socket(&self) -> PathBuf {
        self.0.join(SOCKET)
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    pub(crate) fn preferences(&self) -> PathBuf {
        self.0.join("shell.json")
    }
}

/// Whether a folder of ours may have it before it has a sign.
fn is_own(name: &OsStr) -> bool {
    let begins = |beginning: &&str| name.as_encoded_bytes().starts_with(beginning.as_bytes());
    OTHER_OWN_NAMES.iter().any(|own| name == *own) || UNFINISHED.iter().any(begins)
}

/// Refuses what must stay open to others, or belongs to something else. `folder` is a canonical path.
fn check(folder: &Path, home: Option<&Path>) -> Result<(), DataFolderError> {
    let unusable = |cause| DataFolderError::Unusable { folder: folder.to_owned(), cause };
    let home = home.map(|home| fs::canonicalize(home).unwrap_or_else(|_| home.to_owned()));
    if home.is_some_and(|home| home.starts_with(folder)) {
        return Err(DataFolderError::Home(folder.to_owned()));
    }
    if fs::metadata(folder).map_err(unusable)?.permissions().mode() & STICKY != 0 {
        return Err(DataFolderError::Shared(folder.to_owned()));
    }
    let entries = fs::read_dir(folder).map_err(unusable)?;
    let names: Vec<_> =
        entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>().map_err(unusable)?;
    let ours = names.iter().all(|name| is_own(name))
        || names.iter().any(|name| SIGNS.iter().any(|sign| name == sign))
        || folder.ends_with(PLATFORM_NAME);
    if ours { Ok(()) } else { Err(DataFolderError::OtherThings(folder.to_owned())) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder that is there, with these files in it.
    fn folder_of(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in names {
            fs::write(folder.path().join(name), "").expect("the disk has room");
        }
        folder
    }

    fn refused(folder: &Path, home: Option<&Path>) -> String {
        DataFolder::open_of(home, folder).expect_err("it is not ours").to_string()
    }

    #[test]
    fn a_new_data_folder_belongs_to_its_owner_alone() {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let folder = DataFolder::open(Some(&temporary.path().join("a/b"))).expect("it can be made");
        let mode = fs::metadata(folder.path()).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_folder_of_ours_that_was_open_to_others_is_closed() {
        let folder = folder_of(&["knowledge-focus.db"]);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("it is ours to change");
        DataFolder::open_of(None, folder.path()).expect("it is ours");
        assert_eq!(fs::metadata(folder.path()).expect("it is there").permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_file_in_its_place_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let error = DataFolder::open(Some(file.path())).expect_err("a file is no folder");
        assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
    }

    #[test]
    fn home_by_any_name_and_what_holds_it_are_refused_though_they_are_empty_or_have_a_sign() {
        let above = tempfile::tempdir().expect("a temporary folder");
        let home = above.path().join("person");
        fs::create_dir_all(home.join("builtin_models")).expect("the disk has room");
        fs::create_dir(home.join("Documents")).expect("the disk has room");
        symlink(&home, above.path().join("link")).expect("a link");
        let names = [home.clone(), home.join("Documents/.."), above.path().join("link"), above.path().to_owned()];
        for name in names {
            for home in [home.as_path(), &above.path().join("link")] {
                let sentence = refused(&name, Some(home));
                assert!(sentence.contains("is or holds your home folder"), "{sentence}");
            }
        }
        DataFolder::open_of(Some(&home), &home.join("Documents")).expect("a folder in it may be the data folder");
    }

    #[test]
    fn a_folder_of_other_things_is_refused_and_stays_as_it_is() {
        let folder = folder_of(&["thesis.odt", "shell.json", "window.lock"]);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("it is ours to change");
        let sentence = refused(folder.path(), None);
        assert!(sentence.contains("holds other things; name a new or empty folder"), "{sentence}");
        assert_eq!(fs::metadata(folder.path()).expect("it is there").permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 3);
    }

    #[test]
    fn a_shared_folder_is_refused_even_where_it_is_empty() {
        let folder = folder_of(&[]);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).expect("it is ours to change");
        let sentence = refused(folder.path(), None);
        assert!(sentence.contains("is shared by many"), "{sentence}");
    }

    #[test]
    fn a_folder_of_ours_is_taken() {
        let left_by_the_shell = [
            "shell.json",
            ".shell-a1",
            ".token-a1",
            "window.lock",
            "window.bell",
            "logs",
            "attachments",
            "python",
            "cache",
        ];
        let used = ["builtin_models", "notes of a person"];
        for names in [&[][..], &left_by_the_shell, &used, &["knowledge-focus.db", "knowledge-focus.db-wal"]] {
            let folder = folder_of(names);
            DataFolder::open_of(None, folder.path()).unwrap_or_else(|error| panic!("{names:?}: {error}"));
        }
    }

    #[test]
    fn the_platforms_folder_is_ours_with_what_the_web_view_keeps_there() {
        let above = tempfile::tempdir().expect("a temporary folder");
        let folder = above.path().join(PLATFORM_NAME);
        fs::create_dir_all(folder.join("hsts-storage")).expect("the disk has room");
        DataFolder::open_of(None, &folder).expect("it is ours");
    }
}
