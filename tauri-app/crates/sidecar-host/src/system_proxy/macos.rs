//! macOS's settings, by the program that prints them.

use super::{Address, Settings};

/// `None` where nobody answers.
#[cfg(target_os = "macos")]
pub(super) fn settings() -> Option<Settings> {
    super::asking::answer("/usr/sbin/scutil", &["--proxy"]).map(|said| read(&said))
}

/// What `scutil --proxy` said: a dictionary, a line for each value, `name : value`. Those of single networks, in
/// dictionaries inside, are not what counts.
fn read(said: &str) -> Settings {
    let (mut inside, mut values, mut ignored) = (Vec::new(), Vec::new(), Vec::new());
    for line in said.lines().map(str::trim) {
        let (name, value) = line.split_once(" : ").unwrap_or((line, ""));
        if line == "}" {
            inside.pop();
        } else if line.ends_with('{') {
            inside.push(name);
        } else if inside.len() == 1 {
            values.push((name, value));
        } else if inside.get(1..) == Some(&["ExceptionsList"]) {
            ignored.push(whole(value));
        }
    }
    let value = |name: &str| values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    let address = |kind: &str| {
        let part = |part: &str| value(&format!("{kind}{part}"));
        if part("Enable") == "1" { Address::new(part("Proxy"), part("Port")) } else { None }
    };
    Settings { http: address("HTTP"), https: address("HTTPS"), socks: address("SOCKS"), ignored }
}

/// `host`, where a network is written in full: `169.254/16` is macOS's own form of it.
fn whole(host: &str) -> String {
    let Some((network, bits)) = host.split_once('/') else { return host.to_owned() };
    let missing = 3_usize.saturating_sub(network.matches('.').count());
    let is_short = network.split('.').all(|part| part.parse::<u8>().is_ok());
    if is_short { format!("{network}{}/{bits}", ".0".repeat(missing)) } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
<dictionary> {
  ExceptionsList : <array> {
    0 : *.local
    1 : 169.254/16
    2 : intranet.example
    3 : fd00::/8
  }
  ExcludeSimpleHostnames : 1
  FTPPassive : 1
  HTTPEnable : 1
  HTTPPort : 3128
  HTTPProxy : proxy.example
  HTTPSEnable : 0
  HTTPSPort : 3129
  HTTPSProxy : switched-off.example
  SOCKSEnable : 1
  SOCKSPort : 1080
  SOCKSProxy : fd00::1
  __SCOPED__ : <dictionary> {
    en0 : <dictionary> {
      ExceptionsList : <array> {
        0 : of-one-network.example
      }
      HTTPSEnable : 1
    }
  }
}
";

    #[test]
    fn what_is_switched_on_is_used_but_for_the_hosts_that_are_left_out() {
        let expected = [
            ("http_proxy", "http://proxy.example:3128"),
            ("all_proxy", "socks5h://[fd00::1]:1080"),
            ("no_proxy", ".local,169.254.0.0/16,intranet.example,fd00::/8"),
        ];
        assert_eq!(read(SAID).variables(), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn settings_without_a_proxy_and_words_that_are_no_settings_change_nothing() {
        let none = "<dictionary> {\n  ExceptionsList : <array> {\n    0 : *.local\n  }\n  FTPPassive : 1\n}\n";
        let script =
            "<dictionary> {\n  ProxyAutoConfigEnable : 1\n  ProxyAutoConfigURLString : http://wpad/wpad.dat\n}\n";
        for said in [none, script, "", "}\n}\n", "No such key\n", "  } {\n", "{\n{\n{\n 0 : x\n"] {
            assert_eq!(read(said).variables(), [], "{said}");
        }
    }
}
