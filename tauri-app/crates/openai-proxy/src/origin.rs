//! Origins: which web pages may ask.

use std::fmt;

use axum::http::HeaderValue;
use url::{Host, Url};

/// Schemes whose pages have no origin that a browser would name, or one that every file shares.
const WITHOUT_ORIGIN: &[&str] = &["about", "blob", "data", "file", "javascript"];
/// Characters that one may have.
const LONGEST: usize = 300;

/// Where a page comes from, as a browser says it: `https://notes.example`, `http://localhost:5173`, `app://obsidian.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    text: String,
    header: HeaderValue,
}

/// What was given is no origin.
#[derive(Debug, thiserror::Error)]
#[error("an origin is scheme://host or scheme://host:port, of one site, without a path")]
pub struct BadOrigin;

impl Origin {
    /// One that somebody typed; a slash at its end, capital letters and the scheme's own port do not matter.
    ///
    /// # Errors
    /// [`BadOrigin`]: a pattern (`*`), a path, a user, a scheme without hosts, or no address at all.
    pub fn parse(text: &str) -> Result<Self, BadOrigin> {
        let text = text.trim();
        let url = Url::parse(text).map_err(|_| BadOrigin)?;
        let host = url.host().filter(|host| !matches!(host, Host::Domain(name) if name.is_empty())).ok_or(BadOrigin)?;
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let nobody = url.username().is_empty() && url.password().is_none();
        // A browser compares letter by letter: what is no plain name it would never send.
        let plain = !text.contains(['*', '\\', '%']) && text.len() <= LONGEST;
        if !bare || !nobody || !plain || WITHOUT_ORIGIN.contains(&url.scheme()) {
            return Err(BadOrigin);
        }
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let text = format!("{}://{}{port}", url.scheme(), host.to_string().to_ascii_lowercase());
        let header = text.parse().map_err(|_| BadOrigin)?;
        Ok(Self { text, header })
    }

    /// As browsers send it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_header(self) -> HeaderValue {
        self.header
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::str::FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_as_a_browser_says_it() {
        for (typed, kept) in [
            ("https://notes.example", "https://notes.example"),
            (" HTTPS://Notes.Example/ ", "https://notes.example"),
            ("https://notes.example:443", "https://notes.example"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
            ("app://obsidian.md", "app://obsidian.md"),
        ] {
            assert_eq!(Origin::parse(typed).expect(typed).as_str(), kept);
        }
    }

    #[test]
    fn what_is_more_or_less_than_one_site_is_no_origin() {
        for typed in [
            "",
            "*",
            "null",
            "notes.example",
            "https://",
            "https://*",
            "https://*.notes.example",
            "https://notes.example/page",
            "https://notes.example?a",
            "https://notes.example#a",
            "https://me@notes.example",
            "https://me:secret@notes.example",
            "https://notes.example:99999",
            "https://notes.example, https://evil.example",
            "https://notes.example\r\nX-More: 1",
            "file:///home/ann/page.html",
            "data:text/html,x",
            "javascript://notes.example/%0aalert(1)",
            "chrome-extension://",
            &format!("https://{}.example", "a".repeat(300)),
        ] {
            assert!(Origin::parse(typed).is_err(), "{typed:?}");
        }
    }
}
