//! The bearer token that every request shows.

use std::sync::{Arc, PoisonError, RwLock};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// So that a token that was pasted somewhere is recognised.
const PREFIX: &str = "kf-";
/// Characters that a token has at least: fewer could be tried out.
const LEAST: usize = 20;
const MOST: usize = 500;

/// A token; shown by nothing but [`Token::expose`].
#[derive(Debug, Clone)]
pub struct Token(SecretString);

/// What was given is no token.
#[derive(Debug, thiserror::Error)]
#[error("a token is {LEAST} to {MOST} visible ASCII characters")]
pub struct BadToken;

impl Token {
    /// A new one, of 244 random bits.
    pub fn generate() -> Self {
        Self(format!("{PREFIX}{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()).into())
    }

    /// One that was kept.
    ///
    /// # Errors
    /// [`BadToken`]: too short, too long, or nothing that a header could hold.
    pub fn parse(text: &str) -> Result<Self, BadToken> {
        let fits = (LEAST..=MOST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.into())) } else { Err(BadToken) }
    }

    /// The token itself, for whoever keeps it or shows it to its owner.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether a request shows it. How long that takes tells nothing of the token but its length.
    pub(crate) fn is_shown_in(&self, headers: &HeaderMap) -> bool {
        // Of two, another server on the way might believe the other one.
        let mut shown = headers.get_all(AUTHORIZATION).iter();
        let (Some(only), None) = (shown.next(), shown.next()) else { return false };
        bearer(only.as_bytes()).is_some_and(|shown| shown.ct_eq(self.expose().as_bytes()).into())
    }
}

/// The token that counts now, for as many proxies as have a clone of it; until there is one nobody is let in.
#[derive(Debug, Clone, Default)]
pub struct CurrentToken(Arc<RwLock<Option<Token>>>);

impl From<Token> for CurrentToken {
    fn from(token: Token) -> Self {
        Self(Arc::new(RwLock::new(Some(token))))
    }
}

impl CurrentToken {
    /// From now on no request is let in by the one before; those that were go on.
    pub fn replace(&self, token: Token) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    /// For whoever shows it to its owner.
    pub fn get(&self) -> Option<Token> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn is_shown_in(&self, headers: &HeaderMap) -> bool {
        self.get().is_some_and(|token| token.is_shown_in(headers))
    }
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tokens_are_the_same_and_each_can_be_kept() {
        let (one, other) = (Token::generate(), Token::generate());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(Token::parse(one.expose()).expect("it is one").expose(), one.expose());
        assert!(!format!("{one:?}").contains(one.expose()), "a log would tell it");
    }

    #[test]
    fn what_is_too_short_or_no_header_is_no_token() {
        for text in ["", "kf-short", "kf-0123456789 0123456789", "kf-0123456789\n0123456789", &"x".repeat(501)] {
            assert!(Token::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_the_whole_token_as_a_bearer_counts() {
        let token = Token::generate();
        let text = token.expose();
        for (value, counts) in [
            (format!("Bearer {text}"), true),
            (format!("bearer {text}"), true),
            (text.to_owned(), false),
            (format!("Basic {text}"), false),
            (format!("Bearer {}", &text[..text.len() - 1]), false),
            (format!("Bearer {text}x"), false),
            ("Bearer ".into(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().expect("a header"));
            assert_eq!(token.is_shown_in(&headers), counts, "{value}");
        }
        assert!(!token.is_shown_in(&HeaderMap::new()));
    }

    #[test]
    fn nobody_is_let_in_before_there_is_a_token_or_by_one_that_was_replaced() {
        let (current, [one, other]) = (CurrentToken::default(), [Token::generate(), Token::generate()]);
        let is_let_in = |token: &Token| {
            let mut headers = HeaderMap::new();
            headers.append(AUTHORIZATION, format!("Bearer {}", token.expose()).parse().expect("a header"));
            current.is_shown_in(&headers)
        };
        assert!(!is_let_in(&one));
        current.replace(one.clone());
        assert!(is_let_in(&one) && !is_let_in(&other));
        current.clone().replace(other.clone());
        assert!(!is_let_in(&one) && is_let_in(&other));
    }

    #[test]
    fn of_two_headers_neither_counts() {
        let token = Token::generate();
        let mut headers = HeaderMap::new();
        for text in [token.expose(), "another"] {
            headers.append(AUTHORIZATION, format!("Bearer {text}").parse().expect("a header"));
        }
        assert!(!token.is_shown_in(&headers));
    }
}
