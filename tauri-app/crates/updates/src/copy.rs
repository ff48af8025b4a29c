//! The copy of a package among the person's downloads, until it has its name.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// How the name of one begins and ends: nobody else's is like that.
const PREFIX: &str = ".knowledge-focus-update-";
const SUFFIX: &str = ".part";

/// A new one, locked as long as somebody works at it.
pub(crate) fn begin(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let copy = Builder::new().prefix(PREFIX).suffix(SUFFIX).tempfile_in(folder)?;
        // A sweep of another program may have come before the lock. Where there are none, nobody sweeps.
        let is_swept = matches!(copy.as_file().try_lock(), Err(TryLockError::WouldBlock));
        if !is_swept && copy.path().symlink_metadata().is_ok() {
            return Ok(copy);
        }
    }
}

/// Removes those that a kill left. What cannot be read or removed stays: the download is not about that.
pub(crate) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_copy = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        if !is_copy || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        // Whoever works at it, in this program or another, has its lock.
        let Ok(left) = File::open(entry.path()) else { continue };
        if left.try_lock().is_ok()
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::warn!(%error, "what is left of an update cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_a_kill_left_goes_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        let others = [".x1y2z3.part", "knowledge-focus-update-a.part", ".knowledge-focus-update-a", "app.deb"];
        for name in others {
            fs::write(path(name), "a person's").expect("the disk has room");
        }
        symlink(path("app.deb"), path(".knowledge-focus-update-link.part")).expect("a link");
        fs::create_dir(path(".knowledge-focus-update-folder.part")).expect("the disk has room");
        let at_work = begin(folder.path()).expect("the disk has room");
        // A kill lets go of the lock, and leaves the file.
        let (locked, left) = begin(folder.path()).expect("the disk has room").keep().expect("it stays");
        drop(locked);
        sweep(folder.path());
        assert!(!left.exists() && at_work.path().exists());
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), others.len() + 3);
        sweep(&path("missing"));
    }
}
