//! A package mirror that a person typed in, checked.

use std::fmt;

use serde::{Serialize, Serializer};
use url::{Host, Url};

/// Where packages or interpreters may be fetched from: https, or http on this computer; without a user or a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why an address is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    #[error("this is no web address")]
    NoUrl,
    #[error("only https addresses can be used, or http ones of this computer")]
    NotEncrypted,
    #[error("an address with a user name or a password in it is not used: it would end up in logs")]
    Credentials,
}

impl Address {
    /// # Errors
    /// See [`BadAddress`].
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let url = Url::parse(text.trim()).map_err(|_| BadAddress::NoUrl)?;
        let host = url.host().ok_or(BadAddress::NoUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            "http" => return Err(BadAddress::NotEncrypted),
            _ => return Err(BadAddress::NoUrl),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadAddress::Credentials);
        }
        Ok(Self(url))
    }

    /// Without the slash that parsing adds to a bare host: uv appends to it.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_on_this_computer_are_taken() {
        let addresses = [
            "https://pypi.tuna.tsinghua.edu.cn/simple",
            "  https://mirrors.aliyun.com/pypi/simple/\n",
            "http://127.0.0.1:8080/simple",
            "http://localhost:8080/simple",
            "http://[::1]/simple",
        ];
        for address in addresses {
            Address::parse(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        }
        assert_eq!(
            Address::parse("https://example.com/simple/").map(|address| address.to_string()).as_deref(),
            Ok("https://example.com/simple")
        );
    }

    #[test]
    fn what_is_open_to_others_or_no_address_is_refused() {
        for (address, error) in [
            ("http://example.com/simple", BadAddress::NotEncrypted),
            ("http://127.0.0.1.example.com/", BadAddress::NotEncrypted),
            ("http://localhost.example.com/", BadAddress::NotEncrypted),
            ("https://me:secret@example.com/simple", BadAddress::Credentials),
            ("https://token@example.com/simple", BadAddress::Credentials),
            ("file:///etc", BadAddress::NoUrl),
            ("git+ssh://example.com/x", BadAddress::NoUrl),
            ("example.com/simple", BadAddress::NoUrl),
            ("--index", BadAddress::NoUrl),
            ("", BadAddress::NoUrl),
        ] {
            assert_eq!(Address::parse(address), Err(error), "{address}");
        }
    }
}
