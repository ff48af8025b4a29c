//! Proxies with a password, as uv is told of them: in a configuration that is never a file on the disk.

use serde_json::Value;

/// Three lines of `uv.toml`: the proxies for both kinds of addresses, and the hosts that are asked without any.
#[derive(Debug)]
pub(crate) struct Configuration(String);

impl Configuration {
    /// Of `proxies`, by variable; `no_proxy` is what that variable says. `None` where there is nothing to say.
    pub(crate) fn of(proxies: &[(String, String)], no_proxy: Option<&str>) -> Option<Self> {
        let of = |names: &[&str]| {
            let value = |name: &&str| proxies.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            names.iter().find_map(value)
        };
        // Curl's order: the small letters, and what is for all comes last.
        let http = of(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]);
        let https = of(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]);
        http.or(https)?;
        let line = |key: &str, value: Option<Value>| value.map_or(String::new(), |value| format!("{key} = {value}"));
        let hosts: Vec<_> = no_proxy.into_iter().flat_map(|hosts| hosts.split(',')).map(str::trim).collect();
        // Strings and lists of JSON are TOML's, too.
        let lines = [
            line("http-proxy", http.map(Value::from)),
            line("https-proxy", https.map(Value::from)),
            line("no-proxy", (!hosts.is_empty()).then(|| Value::from(hosts))),
        ];
        Some(Self(lines.into_iter().flat_map(|line| [line, "\n".into()]).collect()))
    }

    /// With a newline at the end of each.
    pub(crate) fn lines(&self) -> &str {
        &self.0
    }
}

/// The three lines of none.
pub(crate) const NOTHING: &str = "\n\n\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(proxies: &[(&str, &str)], no_proxy: Option<&str>) -> Option<String> {
        let proxies: Vec<_> = proxies.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Configuration::of(&proxies, no_proxy).map(|configuration| configuration.lines().to_owned())
    }

    #[test]
    fn each_kind_of_address_has_its_proxy_or_that_of_all() {
        let both = lines(&[("HTTPS_PROXY", "http://a:b@h:1"), ("all_proxy", "socks5://c:d@h:2")], Some("x, .y"));
        let expected =
            "http-proxy = \"socks5://c:d@h:2\"\nhttps-proxy = \"http://a:b@h:1\"\nno-proxy = [\"x\",\".y\"]\n";
        assert_eq!(both.as_deref(), Some(expected));
        assert_eq!(
            lines(&[("http_proxy", "http://a:b@h:1")], None).as_deref(),
            Some("http-proxy = \"http://a:b@h:1\"\n\n\n")
        );
    }

    #[test]
    fn without_any_nothing_is_said_and_no_value_ends_its_line() {
        assert_eq!(lines(&[], Some("x")), None);
        let odd = lines(&[("http_proxy", "http://a:b\"\nindex-url = 1@h")], None).expect("one");
        assert_eq!(odd.lines().count(), 3, "{odd}");
    }
}
