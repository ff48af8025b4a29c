//! What a report leaves out: who the person is, and what opens doors.

use std::path::{Path, PathBuf};

use tauri::Url;

/// The home folder by each of its names.
#[derive(Debug)]
pub(crate) struct Discretion(Vec<String>);

impl Discretion {
    pub(crate) fn about(home: Option<PathBuf>) -> Self {
        let resolved = home.as_deref().and_then(|home| home.canonicalize().ok());
        let names = home.into_iter().chain(resolved).flat_map(|home| names(&home));
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

/// As it is, and as it is in a `file:` address.
fn names(home: &Path) -> impl Iterator<Item = String> + use<> {
    let in_address = Url::from_file_path(home).ok().map(|url| url.path().to_owned());
    home.to_str().map(str::to_owned).into_iter().chain(in_address)
}

fn without_home(text: &str, home: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(home) {
        let (before, after) = (&rest[..at], &rest[at + home.len()..]);
        // Not in `/home/ann` of `/home/anna`. What is before it does not matter: `-I/home/ann`, or `\n/home/ann` in JSON.
        let name = after.find(|character| !is_of_name(character)).map_or(after, |end| &after[..end]);
        // A sentence may end with it.
        let is_whole = name.trim_end_matches('.').is_empty();
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
            ("cc -I/home/ann/a", "cc -I~/a"),
            (r#"{"said":"no:\n/home/ann/a\n/home/ann/b"}"#, r#"{"said":"no:\n~/a\n~/b"}"#),
            ("/System/Volumes/Data/home/ann/a", "/System/Volumes/Data~/a"),
            ("it is not in /home/ann.", "it is not in ~."),
            ("/home/anna and /home/ann-2 and /home/ann.old", "/home/anna and /home/ann-2 and /home/ann.old"),
        ] {
            assert_eq!(discretion.text(text), left);
        }
    }

    #[test]
    fn home_is_known_in_addresses_and_by_what_a_link_leads_to() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (home, link) = (folder.path().join("安 娜"), folder.path().join("link"));
        std::fs::create_dir(&home).expect("the disk has room");
        std::os::unix::fs::symlink(&home, &link).expect("a link");
        let discretion = Discretion::about(Some(link.clone()));
        for name in [&home, &link] {
            let address = Url::from_file_path(name.join("a")).expect("an absolute path");
            assert_eq!(discretion.text(&format!("{} {address}", name.join("a").display())), "~/a file://~/a");
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
