//! The token in a file of its owner's.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use openai_proxy::{BadToken, Token};
use rustix::process::geteuid;
use tempfile::{NamedTempFile, PersistError};

/// Bits of a mode by which others than the owner may do something.
const OTHERS: u32 = 0o077;
/// A token is shorter; so is what is read of a file that is something else.
const MOST_BYTES: u64 = 4096;

/// How the name of a file begins that becomes the token's in a moment; a kill leaves it.
pub const UNFINISHED_TOKEN: &str = ".token-";

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    #[error("{}: {cause}", path.display())]
    Io { path: PathBuf, cause: io::Error },
    #[error("{} can be read by others; take that from them (chmod 600), and renew the token by deleting it", .0.display())]
    Open(PathBuf),
    #[error("{} is not a file of yours", .0.display())]
    Foreign(PathBuf),
    #[error("{} is empty; delete it, and a new token is made", .0.display())]
    Empty(PathBuf),
    #[error("{}: {cause}", path.display())]
    Bad { path: PathBuf, cause: BadToken },
}

/// The token in the file at `path`; a new one, in a new file that only its owner can read, where there is none.
///
/// # Errors
/// See [`TokenFileError`]. A file that is there is never changed.
pub(crate) fn open(path: &Path) -> Result<Token, TokenFileError> {
    match read(path) {
        Err(TokenFileError::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {}
        result => return result,
    }
    match create(path, |file, token| writeln!(file, "{token}")) {
        // Somebody else was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path),
        result => result.map_err(|cause| TokenFileError::Io { path: path.to_owned(), cause }),
    }
}

/// The file is there once all of it is on the disk: an empty one would be no token, ever after.
fn create(path: &Path, write: impl FnOnce(&mut File, &str) -> io::Result<()>) -> io::Result<Token> {
    let token = Token::generate();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Nobody but its owner can read it, from its first moment on.
    let mut file = NamedTempFile::with_prefix_in(UNFINISHED_TOKEN, folder)?;
    write(file.as_file_mut(), token.expose())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|PersistError { error, .. }| error)?;
    Ok(token)
}

fn read(path: &Path) -> Result<Token, TokenFileError> {
    let failed = |cause| TokenFileError::Io { path: path.to_owned(), cause };
    // Looked at before it is opened, as opening a pipe waits; and after, as somebody may have put another in its place.
    check(path, &path.metadata().map_err(failed)?)?;
    let file = File::open(path).map_err(failed)?;
    check(path, &file.metadata().map_err(failed)?)?;
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(failed)?;
    if text.is_empty() {
        return Err(TokenFileError::Empty(path.to_owned()));
    }
    Token::parse(text.trim()).map_err(|cause| TokenFileError::Bad { path: path.to_owned(), cause })
}

fn check(path: &Path, metadata: &std::fs::Metadata) -> Result<(), TokenFileError> {
    if !metadata.is_file() || metadata.uid() != geteuid().as_raw() {
        return Err(TokenFileError::Foreign(path.to_owned()));
    }
    if metadata.mode() & OTHERS != 0 {
        return Err(TokenFileError::Open(path.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_made_once_for_its_owner_alone_and_is_the_same_ever_after() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("token");
        let made = open(&path).expect("it is made");
        assert_eq!(fs::metadata(&path).expect("it is there").mode() & 0o777, 0o600);
        assert_eq!(open(&path).expect("it is read").expose(), made.expose());
    }

    #[test]
    fn a_disk_that_is_full_leaves_nothing_and_the_next_attempt_makes_the_token() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("token");
        let full = |file: &mut File, token: &str| {
            file.write_all(&token.as_bytes()[..3])?;
            Err(io::ErrorKind::StorageFull.into())
        };
        let error = create(&path, full).expect_err("the disk is full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(fs::read_dir(folder.path()).expect("it is there").next().is_none());
        let made = open(&path).expect("it is made");
        assert_eq!(open(&path).expect("it is read").expose(), made.expose());
    }

    #[test]
    fn of_two_that_make_it_at_once_one_does_and_what_is_there_is_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("token");
        let quicker = Token::generate();
        let late = create(&path, |_, _| fs::write(&path, quicker.expose()));
        assert_eq!(late.expect_err("it is there").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).expect("it is there"), quicker.expose());
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
    }

    #[test]
    fn a_file_that_is_empty_is_told_as_that_with_what_to_do_and_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("token");
        File::create(&path).expect("the disk has room");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
        let error = open(&path).expect_err("there is no token in it");
        assert!(matches!(error, TokenFileError::Empty(_)) && error.to_string().contains("delete it"), "{error}");
        assert_eq!(fs::metadata(&path).expect("it is there").len(), 0);
    }

    #[test]
    fn a_file_that_others_may_read_or_that_is_no_token_is_refused_and_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("token");
        fs::write(&path, "a person's notes").expect("the disk has room");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("it is ours");
        assert!(matches!(open(&path), Err(TokenFileError::Open(_))));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
        assert!(matches!(open(&path), Err(TokenFileError::Bad { .. })));
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "a person's notes");
        assert!(matches!(open(folder.path()), Err(TokenFileError::Foreign(_))));
    }
}
