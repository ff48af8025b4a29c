//! What a report leaves out: who the person is, and what opens doors.

use std::path::PathBuf;

/// The home folder by each of its names.
#[derive(Debug)]
pub(crate) struct Discretion(Vec<String>);

impl Discretion {
    pub(crate) fn about(home: Option<PathBuf>) -> Self {
        let resolved = home.as_deref().and_then(|home| home.canonicalize().ok());
        let names = home.into_iter().chain(resolved).filter_map(|home| home.into_os_string().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| name.starts_with('/') && name.len() > 1).collect();
        // A longer one first: it may begin with the other.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names.dedup();
        Self(names)
    }

    /// `text` with `~` for home, and of web addresses neither user nor password nor query: a signed one opens what it
    /// names to everybody who has it.
    pub(crate) fn text(&self, text: &str) -> String {
        let addresses = without_secrets(text);
        self.0.iter().fold(addresses, |text, home| without_home(&text, home))
    }
}

fn without_home(text: &str, home: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(home) {
        let (before, after) = (&rest[..at], &rest[at + home.len()..]);
        // Not in `/home/ann` of `/home/anna`, nor in `/root` of `/chroot/root`.
        let is_whole = !after.starts_with(is_of_name) && !before.ends_with(is_of_name);
        kept.push_str(before);
        kept.push_str(if is_whole { "~" } else { home });
        rest = after;
    }
    kept + rest
}

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || "_-.".contains(character)
}

fn without_secrets(text: &str) -> String {
    const MARK: &str = "://";
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        let (before, after) = rest.split_at(at + MARK.len());
        kept.push_str(before);
        // What may end an address in prose, in JSON or in a traceback.
        let end = after.find(|c: char| c.is_whitespace() || "\"'`<>\\(){}|".contains(c)).unwrap_or(after.len());
        let (address, after) = after.split_at(end);
        let host = address.find(['/', '?', '#']).unwrap_or(address.len());
        // A password may have an @ of its own, and the path of an address may, too.
        let user = address[..host].rfind('@').map_or(0, |at| at + 1);
        let query = address.find('?').unwrap_or(address.len());
        kept.push_str(&address[user..query]);
        if query < address.len() {
            kept.push_str("?…");
        }
        rest = after;
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_is_a_tilde_and_what_only_looks_like_it_is_not() {
        let discretion = Discretion::about(Some("/home/ann".into()));
        for (text, left) in [
            ("/home/ann", "~"),
            ("/home/ann/Library/x.py:3", "~/Library/x.py:3"),
            (r#"{"at":["/home/ann/a","/home/ann/b"]}"#, r#"{"at":["~/a","~/b"]}"#),
            ("file:///home/ann/a", "file://~/a"),
            ("/home/anna and /home/ann-2 and /mnt/home/ann", "/home/anna and /home/ann-2 and /mnt/home/ann"),
        ] {
            assert_eq!(discretion.text(text), left);
        }
    }

    #[test]
    fn a_home_that_would_be_everywhere_is_none() {
        for home in [Some("/".into()), Some("".into()), None] {
            assert_eq!(Discretion::about(home).text("/usr/bin"), "/usr/bin");
        }
    }

    #[test]
    fn addresses_keep_their_host_and_path_only() {
        let discretion = Discretion::about(None);
        for (text, left) in [
            ("from https://me:secret@example.com/simple …", "from https://example.com/simple …"),
            ("https://token@example.com", "https://example.com"),
            ("https://me:p@ss@example.com:8080/a@b", "https://example.com:8080/a@b"),
            (
                r#"{"url":"https://cdn.example.com/m?X-Sig=abc&e=1","n":2}"#,
                r#"{"url":"https://cdn.example.com/m?…","n":2}"#,
            ),
            ("(http://a:b@h) socks5h://u:p@h:1", "(http://h) socks5h://h:1"),
            ("mail me@example.com, no address", "mail me@example.com, no address"),
        ] {
            assert_eq!(discretion.text(text), left);
        }
    }
}
