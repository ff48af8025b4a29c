//! Whether the system lets this app read the folders that macOS protects (Full Disk Access).
//!
//! macOS has no call that says so; trying is the way. tauri-plugin-macos-permissions tries, too, but a folder of another
//! app's (which macOS 14 and later ask the person about), and brings camera, microphone and six more along.

use std::fs::File;
use std::path::{Path, PathBuf};

/// The system's settings, at the list of the apps that have the access.
#[cfg(target_os = "macos")]
pub(crate) const SETTINGS: &str = "x-apple.systempreferences:com.apple.preference.security?Privacy_AllFiles";

/// Files that are on every Mac and that nobody may open without it, whatever their mode says. No dialog comes of trying.
const PROTECTED: &[&str] = &["Library/Application Support/com.apple.TCC/TCC.db", "Library/Safari/Bookmarks.plist"];

/// Blocks on the disk.
pub(crate) fn is_granted(home: Option<&Path>) -> bool {
    if cfg!(target_os = "macos") { home.is_some_and(|home| any_opens(&protected(home))) } else { true }
}

fn protected(home: &Path) -> Vec<PathBuf> {
    PROTECTED.iter().map(|name| home.join(name)).collect()
}

fn any_opens(files: &[PathBuf]) -> bool {
    files.iter().any(|file| File::open(file).is_ok())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn one_protected_file_that_opens_is_enough_and_one_that_does_not_is_no_proof() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let files = protected(home.path());
        assert!(!any_opens(&files), "none is there");
        for (number, file) in files.iter().enumerate() {
            fs::create_dir_all(file.parent().expect("a folder")).expect("the disk has room");
            if number == 0 {
                // Not to be opened, whoever tries: root's tests are no exception.
                symlink(file, file).expect("a link");
                assert!(!any_opens(&files));
            } else {
                fs::write(file, "").expect("the disk has room");
                assert!(any_opens(&files));
            }
        }
    }

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn where_nothing_is_protected_it_is_granted() {
        assert!(is_granted(None));
    }
}
