//! The proxy of the system's settings, which browsers follow, as the variables that Python and uv go by.
//!
//! GNOME's neither of them asks for. On macOS both do, but for SOCKS and the hosts that are left out. A PAC file is not
//! followed: a script cannot be said in variables.

mod asking;
#[cfg(target_os = "linux")]
mod gnome;
#[cfg(any(test, target_os = "macos"))]
mod macos;

use std::ffi::OsString;

use crate::withheld::NAMES;

#[cfg(target_os = "linux")]
use gnome::settings;
#[cfg(target_os = "macos")]
use macos::settings;

/// What the settings say.
#[derive(Debug, Default, PartialEq)]
struct Settings {
    http: Option<Address>,
    https: Option<Address>,
    /// Of version 5, for what has no proxy of its own.
    socks: Option<Address>,
    /// Hosts that are asked without any, in the settings' own form.
    ignored: Vec<String>,
}

/// Host and port of a proxy, as a URL has them.
#[derive(Debug, PartialEq)]
struct Address(String);

impl Address {
    /// `None` where they are no whole address.
    fn new(host: &str, port: &str) -> Option<Self> {
        let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
        let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c));
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        is_host.then(|| Self(format!("{host}:{port}")))
    }
}

impl Settings {
    fn variables(&self) -> Vec<(&'static str, String)> {
        // Names are looked up beyond a SOCKS proxy (`h`), as browsers have it.
        let proxies = [
            ("http_proxy", "http", &self.http),
            ("https_proxy", "http", &self.https),
            ("all_proxy", "socks5h", &self.socks),
        ];
        let url = |(name, scheme, address): (_, &str, &Option<Address>)| {
            address.as_ref().map(|Address(address)| (name, format!("{scheme}://{address}")))
        };
        let mut found: Vec<_> = proxies.into_iter().filter_map(url).collect();
        // `*.example.org` is the settings' form; variables have `.example.org` for the same.
        let ignored =
            self.ignored.iter().map(|host| host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host));
        let ignored = ignored.filter(|host| !host.is_empty()).collect::<Vec<_>>().join(",");
        if !found.is_empty() && !ignored.is_empty() {
            found.push(("no_proxy", ignored));
        }
        found
    }
}

/// `environment`, and the system's proxy where it names none: a proxy there is the person's word, and the settings are not
/// asked then.
pub(crate) fn completed(mut environment: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let has = |names: &[&str]| {
        environment.iter().any(|(name, value)| !value.is_empty() && names.iter().any(|known| name == *known))
    };
    if has(NAMES) {
        return environment;
    }
    let mut found = settings().unwrap_or_default().variables();
    if has(&["NO_PROXY", "no_proxy"]) {
        found.retain(|(name, _)| *name != "no_proxy");
    }
    environment.extend(found.into_iter().map(|(name, value)| (name.into(), value.into())));
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_be_more_than_a_host_is_no_address() {
        assert_eq!(Address::new("proxy.example", "3128"), Some(Address("proxy.example:3128".into())));
        assert_eq!(Address::new("fd00::1", "3128"), Some(Address("[fd00::1]:3128".into())));
        for (host, port) in [("", "3128"), ("me:secret@proxy", "1"), ("proxy/path", "1"), ("proxy", "0"), ("proxy", "")]
        {
            assert_eq!(Address::new(host, port), None, "{host} {port}");
        }
    }
}
