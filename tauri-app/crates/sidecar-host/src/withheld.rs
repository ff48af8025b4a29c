//! Proxies with a password: they reach the sidecar and uv through pipes, as every program of the same person can read
//! another one's environment.

use std::ffi::OsStr;
use std::sync::OnceLock;

/// The variables that name proxies.
pub(crate) const NAMES: &[&str] = &["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "http_proxy", "https_proxy"];

static KEPT: OnceLock<Vec<(String, String)>> = OnceLock::new();

/// By variable, those that this process was told of and that its environment does not have any more; see [`proxies`].
pub fn keep_proxies(proxies: Vec<(String, String)>) {
    // Whoever takes them out of the environment does so once.
    let _ = KEPT.set(proxies);
}

/// The proxies with a password by the variables that name them: those that were kept, or else of the environment.
pub fn proxies() -> Vec<(String, String)> {
    KEPT.get().cloned().unwrap_or_else(|| {
        let of_environment = std::env::vars_os().filter(|(name, value)| is_withheld(name, value));
        of_environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
    })
}

/// Whether this variable is a proxy with a user or a password.
pub fn is_withheld(name: &OsStr, value: &OsStr) -> bool {
    NAMES.iter().any(|known| name == *known) && has_user(&value.to_string_lossy())
}

/// Whether an address, which may be one without a scheme, says who asks.
pub fn has_user(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_says_who_asks_is_withheld_in_every_spelling() {
        for value in ["http://me:secret@proxy:3128", "socks5h://token@proxy:1", "me:secret@proxy", "http://a:b%40@h/"] {
            for name in NAMES {
                assert!(is_withheld(OsStr::new(name), OsStr::new(value)), "{name}={value}");
            }
        }
        for (name, value) in [
            ("http_proxy", "http://proxy:3128"),
            ("http_proxy", "http://proxy:3128/a@b"),
            ("http_proxy", ""),
            ("no_proxy", "me@host"),
        ] {
            assert!(!is_withheld(OsStr::new(name), OsStr::new(value)), "{name}={value}");
        }
    }
}
