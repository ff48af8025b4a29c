//! Puts what others wrote on the disk, before the mark says that it is there.
//!
//! uv leaves that to the system: after a power cut the mark would be there, and the packages empty. Not by `sync`, which
//! waits for every disk of the computer: one that hangs, a server's or a stick's, would hold up this one.

use std::fs::File;
use std::io;
use std::path::Path;

/// Returns when all below `folder` is on the disk. Blocks for as long as its disk does.
///
/// # Errors
/// Something cannot be written, or read: then nothing is known of the folder.
#[cfg(target_os = "linux")]
pub(crate) fn flush(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

/// Hands all below `folder` to its disk, file by file, as there is no call for a file system. macOS's `fsync` leaves it in
/// the drive's own memory: that is emptied for all of it when the mark is written (`F_FULLFSYNC`, in [`File::sync_all`]).
///
/// # Errors
/// Something cannot be written, or read: then nothing is known of the folder.
#[cfg(not(target_os = "linux"))]
pub(crate) fn flush(folder: &Path) -> io::Result<()> {
    each(folder, &mut |file| Ok(rustix::fs::fsync(file)?))
}

/// Gives `take` every file and folder below `folder`, and itself at last; links are not followed.
#[cfg(any(test, not(target_os = "linux")))]
fn each(folder: &Path, take: &mut impl FnMut(&File) -> io::Result<()>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            each(&entry.path(), take)?;
        } else if kind.is_file() {
            take(&File::open(entry.path())?)?;
        }
    }
    take(&File::open(folder)?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn every_file_and_folder_is_taken_and_no_link_is_followed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("a/b")).expect("the disk has room");
        for file in ["one", "a/two", "a/b/three"] {
            fs::write(path(file), "").expect("the disk has room");
        }
        symlink("/", path("a/root")).expect("a link");
        symlink("nowhere", path("dangling")).expect("a link");
        let mut taken = Vec::new();
        let mut note = |file: &File| {
            taken.push(file.metadata()?.ino());
            Ok(())
        };
        each(folder.path(), &mut note).expect("all can be read");
        let expected = ["one", "a/b/three", "a/b", "a/two", "a", ""]
            .map(|name| fs::metadata(path(name)).expect("it is there").ino());
        assert_eq!(taken.last(), expected.last(), "a folder comes after what is in it");
        taken.sort_unstable();
        let mut sorted = expected;
        sorted.sort_unstable();
        assert_eq!(taken, sorted);
        flush(folder.path()).expect("it is on the disk");
        assert!(flush(&path("missing")).is_err());
    }
}
