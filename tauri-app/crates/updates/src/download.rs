//! Fetching a package: it gets to the person once all of it is what was signed.

use std::fs::{self, File as Disk};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sidecar_host::RpcError;
use tempfile::{Builder, PersistError, TempPath};

use crate::client::{ask, client};
use crate::failure::{unreachable, untrusted, unwritable};
use crate::release::File;

/// Fetches `file` into `folder`, which gets it under its own name, or with a number if there is one of that name. While it
/// arrives it is `part`, elsewhere: a kill leaves that, and the next download takes its place. `on_bytes` hears how many are here.
///
/// Errors: `no_network`, `update_unreachable`, `update_untrusted`, `disk_full`, `internal_error`.
pub async fn download(
    file: &File,
    part: &Path,
    folder: &Path,
    mut on_bytes: impl FnMut(u64),
) -> Result<PathBuf, RpcError> {
    let mut response = ask(&client()?, file.url.clone()).await?;
    let unwritable = |error: io::Error| unwritable(&error);
    if let Some(above) = part.parent() {
        fs::create_dir_all(above).map_err(unwritable)?;
    }
    let mut disk = Disk::create(part).map_err(unwritable)?;
    let part = TempPath::try_from_path(part).map_err(unwritable)?;
    let (mut hasher, mut received) = (Sha256::new(), 0);
    while let Some(piece) = response.chunk().await.map_err(|error| unreachable(&error))? {
        received += piece.len() as u64;
        if received > file.size {
            return Err(untrusted("a package is longer than what was signed"));
        }
        hasher.update(&piece);
        disk.write_all(&piece).map_err(unwritable)?;
        on_bytes(received);
    }
    let digest: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if received != file.size || digest != file.sha256 {
        return Err(untrusted("a package is not what was signed"));
    }
    hand_over(&part, folder, &file.name).map_err(unwritable)
}

/// Copies what arrived, as the folder may be on another disk, and names it when it is whole.
fn hand_over(part: &Path, folder: &Path, name: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let mut copy = Builder::new().prefix(".").suffix(".part").tempfile_in(folder)?;
    io::copy(&mut Disk::open(part)?, &mut copy)?;
    copy.as_file().sync_all()?;
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
