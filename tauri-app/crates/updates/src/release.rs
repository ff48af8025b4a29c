//! The newest release, as its makers signed it.

use std::collections::HashMap;

use minisign_verify::Signature;
use semver::Version;
use serde::Deserialize;
use sidecar_host::RpcError;
use url::Url;

use crate::client::{client, read};
use crate::failure::untrusted;
use crate::place::{Place, may_be_asked};

/// Bytes; a real one has some hundreds.
const LONGEST: usize = 64 * 1024;

/// A release that is newer than the one that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub version: Version,
    /// Where people read of it, and get it by hand.
    pub page: Url,
    files: HashMap<String, File>,
}

/// One package of a release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct File {
    pub(crate) url: Url,
    /// What it is called on the person's disk.
    pub name: String,
    /// Bytes.
    pub size: u64,
    pub(crate) sha256: String,
}

/// `latest.json`. A later one may have more members.
#[derive(Deserialize)]
struct Written {
    version: Version,
    page: Url,
    files: HashMap<String, File>,
}

impl Release {
    /// The package of one kind, as `deb-x86_64`.
    pub fn file(&self, kind: &str) -> Option<&File> {
        self.files.get(kind)
    }
}

/// The release that is announced, if it is newer than `current`; an older one is none.
///
/// Errors: `no_network`, `update_unreachable`, and `update_untrusted` for whatever is not signed or makes no sense.
pub async fn newest(place: &Place, current: &Version) -> Result<Option<Release>, RpcError> {
    let client = client()?;
    let mut beside = place.address.clone();
    beside.set_path(&format!("{}.minisig", place.address.path()));
    let announced = read(&client, place.address.clone(), LONGEST).await?;
    let signature = read(&client, beside, LONGEST).await?;
    let release = checked(place, &announced, &signature)?;
    Ok((release.version > *current).then_some(release))
}

fn checked(place: &Place, announced: &[u8], signature: &[u8]) -> Result<Release, RpcError> {
    let signature = std::str::from_utf8(signature).map_err(|_| untrusted("the signature is no text"))?;
    let signature = Signature::decode(signature).map_err(|_| untrusted("the signature is none"))?;
    // Not the legacy kind, which signs the bytes themselves.
    place.key.verify(announced, &signature, false).map_err(|_| untrusted("the signature is another's"))?;
    let Written { version, page, files } =
        serde_json::from_slice(announced).map_err(|_| untrusted("what is signed names no release"))?;
    let is_named = |file: &File| !file.name.starts_with('.') && !file.name.contains(['/', '\\', '\0']);
    if !may_be_asked(&page) || !files.values().all(|file| may_be_asked(&file.url) && is_named(file)) {
        return Err(untrusted("what is signed leads to where nothing is asked"));
    }
    Ok(Release { version, page, files })
}
