//! Fetching a package: it gets to the person once all of it is what was signed.

use std::fs::{self, File as Disk};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sidecar_host::RpcError;
use tempfile::{NamedTempFile, PersistError, tempfile_in};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::client::{ask, client};
use crate::copy;
use crate::failure::{unreachable, untrusted, unwritable};
use crate::release::File;

/// Bytes that are copied at once.
const PIECE: usize = 256 * 1024;

/// Fetches `file` into `folder`, which gets it under its own name, or with a number if there is one of that name. While it
/// arrives it lies in `cache`, but has no name: no two downloads share it, and neither a kill nor giving up leaves it. A kill
/// within the last copy leaves a hidden file in `folder`, which goes with the next download. `on_bytes` hears how many are here.
///
/// Errors: `no_network`, `update_unreachable`, `update_untrusted`, `disk_full`, `internal_error`.
pub async fn download(
    file: &File,
    cache: &Path,
    folder: &Path,
    mut on_bytes: impl FnMut(u64),
) -> Result<PathBuf, RpcError> {
    // Whatever comes of this one: what is left is as large as a package.
    let downloads = folder.to_owned();
    let _ = spawn_blocking(move || copy::sweep(&downloads)).await;
    let mut response = ask(&client()?, file.url.clone()).await?;
    let mut disk = nameless(cache).map_err(|error| unwritable(&error))?;
    let (mut hasher, mut received) = (Sha256::new(), 0);
    while let Some(piece) = response.chunk().await.map_err(|error| unreachable(&error))? {
        received += piece.len() as u64;
        if received > file.size {
            return Err(untrusted("a package is longer than what was signed"));
        }
        hasher.update(&piece);
        disk.write_all(&piece).map_err(|error| unwritable(&error))?;
        on_bytes(received);
    }
    if hex(hasher) != file.sha256 {
        return Err(untrusted("a package is not what was signed"));
    }
    // A thread that copies cannot be ended from outside: it looks whether anybody waits for it.
    let (asked, waiting) = oneshot::channel::<()>();
    let (file, folder) = (file.clone(), folder.to_owned());
    let handed_over = spawn_blocking(move || hand_over(disk, &folder, &file, || !asked.is_closed())).await;
    drop(waiting);
    handed_over.map_err(|error| RpcError::lasting("internal_error", error.to_string()))?
}

fn nameless(cache: &Path) -> io::Result<Disk> {
    fs::create_dir_all(cache)?;
    // It had a name once, and a kill left it. Mostly there is none.
    let _ = fs::remove_file(cache.join("update.part"));
    tempfile_in(cache)
}

/// Copies what arrived, as the folder may be on another disk, and names it when the copy is what was signed, and whole on the disk.
fn hand_over(arrived: Disk, folder: &Path, file: &File, wanted: impl Fn() -> bool) -> Result<PathBuf, RpcError> {
    let failed = |error: io::Error| unwritable(&error);
    fs::create_dir_all(folder).map_err(failed)?;
    let mut copy = copy::begin(folder).map_err(failed)?;
    if copied(arrived, &mut copy, &wanted).map_err(failed)? != file.sha256 {
        return Err(untrusted("the copy of a package is not what was signed"));
    }
    copy.as_file().sync_all().map_err(failed)?;
    if !wanted() {
        return Err(failed(given_up()));
    }
    name(copy, folder, &file.name).map_err(failed)
}

/// The SHA-256 of what was copied.
fn copied(mut arrived: Disk, copy: &mut impl Write, wanted: impl Fn() -> bool) -> io::Result<String> {
    arrived.rewind()?;
    let (mut hasher, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        if !wanted() {
            return Err(given_up());
        }
        let length = arrived.read(&mut piece)?;
        if length == 0 {
            return Ok(hex(hasher));
        }
        hasher.update(&piece[..length]);
        copy.write_all(&piece[..length])?;
    }
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Heard by nobody, as it was given up.
fn given_up() -> io::Error {
    io::Error::other("nobody waits for it any more")
}

fn name(mut copy: NamedTempFile, folder: &Path, name: &str) -> io::Result<PathBuf> {
    for name in names(name) {
        let path = folder.join(name);
        match copy.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(PersistError { error, file }) if error.kind() == io::ErrorKind::AlreadyExists => copy = file,
            Err(PersistError { error, .. }) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// `a.deb`, `a (1).deb`, … as browsers have it.
fn names(name: &str) -> impl Iterator<Item = String> {
    let (stem, suffix) = name.rsplit_once('.').unwrap_or((name, ""));
    std::iter::once(name.to_owned()).chain((1..1000).map(move |number| format!("{stem} ({number}).{suffix}")))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tempfile::tempdir;
    use url::Url;

    use super::*;

    /// A package of three pieces, and one more byte.
    fn package() -> (Vec<u8>, File) {
        let bytes: Vec<_> = (0..=3 * PIECE).map(|number| (number % 251) as u8).collect();
        let sha256 = hex(Sha256::new_with_prefix(&bytes));
        let url = Url::parse("https://example.com/app.deb").expect("an address");
        let file = File { url, name: "app.deb".into(), size: bytes.len() as u64, sha256 };
        (bytes, file)
    }

    fn arrived(bytes: &[u8]) -> Disk {
        let mut disk = tempfile::tempfile().expect("the disk has room");
        disk.write_all(bytes).expect("the disk has room");
        disk
    }

    fn is_empty(folder: &Path) -> bool {
        fs::read_dir(folder).expect("it is there").next().is_none()
    }

    #[test]
    fn what_is_given_up_before_it_has_its_name_leaves_nothing() {
        let (bytes, file) = package();
        let looks = Cell::new(0);
        let whole = tempdir().expect("a temporary folder");
        let wanted = || {
            looks.set(looks.get() + 1);
            true
        };
        let path = hand_over(arrived(&bytes), whole.path(), &file, wanted).expect("it is what was signed");
        assert!(fs::read(path).expect("it is there") == bytes);
        // After each piece, and before it is named.
        for most in 0..looks.get() {
            let (folder, looks) = (tempdir().expect("a temporary folder"), Cell::new(0));
            let wanted = || looks.replace(looks.get() + 1) < most;
            assert!(hand_over(arrived(&bytes), folder.path(), &file, wanted).is_err(), "after {most}");
            assert!(is_empty(folder.path()), "after {most}");
        }
    }

    #[test]
    fn a_copy_that_is_not_what_was_signed_gets_no_name() {
        let (bytes, file) = package();
        for short in [0, 1, PIECE] {
            let folder = tempdir().expect("a temporary folder");
            let refused = hand_over(arrived(&bytes[..bytes.len() - 1 - short]), folder.path(), &file, || true);
            assert_eq!(refused.expect_err("it is short").kind, "update_untrusted");
            assert!(is_empty(folder.path()), "short of {short}");
        }
    }
}
