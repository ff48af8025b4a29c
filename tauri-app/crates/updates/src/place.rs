//! Where releases are announced, and whose word counts.

use std::fs;
use std::path::Path;

use minisign_verify::PublicKey;
use serde::Deserialize;
use url::Url;

/// Where a package says so, in the sidecar's bundle.
const FILE: &str = "updates.json";

/// Where releases of this app are announced, and the key that they are signed with.
#[derive(Clone)]
pub struct Place {
    pub(crate) address: Url,
    pub(crate) key: PublicKey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    address: String,
    key: String,
}

impl Place {
    /// What the bundle in `folder` says. `None`: nothing, or nothing that may be used.
    pub fn of_bundle(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join(FILE)).ok()?;
        let written = serde_json::from_str::<Written>(&text).map_err(|error| error.to_string());
        match written.and_then(|Written { address, key }| Self::new(&address, &key)) {
            Ok(place) => Some(place),
            Err(error) => {
                tracing::error!(error, "the package names no place of releases that may be asked");
                None
            }
        }
    }

    /// `address` is that of `latest.json`, `key` minisign's public key, one line of Base64.
    pub fn new(address: &str, key: &str) -> Result<Self, String> {
        let address = Url::parse(address).map_err(|error| error.to_string())?;
        if !may_be_asked(&address) {
            return Err(format!("{address} is not https"));
        }
        Ok(Self { address, key: PublicKey::from_base64(key).map_err(|error| error.to_string())? })
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Place").field("address", &self.address.as_str()).finish_non_exhaustive()
    }
}

/// Over TLS only. A debug build may ask this computer without, as its tests do.
pub(crate) fn may_be_asked(url: &Url) -> bool {
    url.scheme() == "https" || (cfg!(debug_assertions) && url.scheme() == "http" && url.host_str() == Some("127.0.0.1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    #[test]
    fn a_place_is_asked_over_tls_only() {
        assert!(Place::new("https://example.com/latest.json", KEY).is_ok());
        for address in ["http://example.com/latest.json", "http://localhost/x", "file:///etc/passwd", "latest.json", ""]
        {
            assert!(Place::new(address, KEY).is_err(), "{address}");
        }
        assert!(Place::new("https://example.com/latest.json", "no key").is_err());
    }

    #[test]
    fn a_bundle_that_names_none_has_none() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(Place::of_bundle(folder.path()).is_none());
        let written = |text: &str| fs::write(folder.path().join(FILE), text).expect("the disk has room");
        for text in ["", "{}", r#"{"address": "http://example.com", "key": "x"}"#] {
            written(text);
            assert!(Place::of_bundle(folder.path()).is_none(), "{text}");
        }
        written(&format!(r#"{{"address": "https://example.com/latest.json", "key": "{KEY}"}}"#));
        assert!(Place::of_bundle(folder.path()).is_some());
    }
}
