//! What a key is given for: the scheme, host and port of an address.

/// The origin of a provider's address, letter by letter as the sidecar says it (`Address.origin` in
/// sidecar/routing/address.py; a test compares the two). A library of the web's own rules would not do: to it
/// `127.1` and `127.0.0.1` are one host. `None` if it is no address that a provider can have.
pub fn origin_of(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let usual_port = match &*scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(literal) => {
            let (host, after) = literal.split_once(']')?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    // A host's letters have no case; the zone of an IPv6 address is a name of this computer's own.
    let zone = host.find('%').unwrap_or(host.len());
    let host = host[..zone].to_ascii_lowercase() + &host[zone..];
    if host.is_empty() || host.contains(['@', ' ']) {
        return None;
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let port: Option<u16> = port.filter(|port| !port.is_empty()).map(str::parse).transpose().ok()?;
    let port = port.filter(|port| *port != usual_port).map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{scheme}://{host}{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_an_unusual_port() {
        for (address, origin) in [
            ("https://api.example.com/v1", "https://api.example.com"),
            ("HTTPS://API.Example.com:443", "https://api.example.com"),
            ("http://localhost:11434/v1", "http://localhost:11434"),
            ("http://[::1]:8000/v1", "http://[::1]:8000"),
            ("http://[FE80::1%25Eth0]", "http://[fe80::1%25Eth0]"),
            ("https://example.com:", "https://example.com"),
            ("http://example.com:443/v1", "http://example.com:443"),
        ] {
            assert_eq!(origin_of(address).as_deref(), Some(origin));
        }
    }

    #[test]
    fn what_no_provider_can_have_has_no_origin() {
        for address in [
            "",
            "example.com",
            "ftp://example.com",
            "https://",
            "https://me:key@example.com",
            "http://h:99999",
            "http://h:x",
        ] {
            assert_eq!(origin_of(address), None, "{address}");
        }
    }
}
