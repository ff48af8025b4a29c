//! The token in a file of its owner's.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use openai_proxy::{BadToken, Token};
use rustix::process::geteuid;

/// Bits of a mode by which others than the owner may do something.
const OTHERS: u32 = 0o077;
/// A token is shorter; so is what is read of a file that is something else.
const MOST_BYTES: u64 = 4096;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    #[error("{}: {cause}", path.display())]
    Io { path: PathBuf, cause: io::Error },
    #[error("{} can be read by others; take that from them (chmod 600), and renew the token by deleting it", .0.display())]
    Open(PathBuf),
    #[error("{} is not a file of yours", .0.display())]
    Foreign(PathBuf),
    #[error("{}: {cause}", path.display())]
    Bad { path: PathBuf, cause: BadToken },
}

/// The token in the file at `path`; a new one, in a new file that only its owner can read, where there is none.
///
/// # Errors
/// See [`TokenFileError`]. A file that is there is never changed.
pub(crate) fn open(path: &Path) -> Result<Token, TokenFileError> {
    let failed = |cause| TokenFileError::Io { path: path.to_owned(), cause };
    match create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path),
        result => result.map_err(failed),
    }
}

fn create(path: &Path) -> io::Result<Token> {
    let token = Token::generate();
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", token.expose())?;
    file.sync_all()?;
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
