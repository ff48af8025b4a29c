//! What can be a key.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sidecar_host::RpcError;

/// As the sidecar has it (`SECRET` in sidecar/routing/providers.py).
const LONGEST: usize = 4096;

/// The key in what a person typed or pasted, without the white space around it.
///
/// # Errors
/// `secret_invalid`: it cannot stand in an Authorization header. What it was is not said.
pub(crate) fn parse(typed: &SecretString) -> Result<SecretString, RpcError> {
    let key = typed.expose_secret().trim();
    if !(1..=LONGEST).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(RpcError::lasting("secret_invalid", "a key is one line of visible ASCII characters")
            .with_details(json!({"reason": "characters"})));
    }
    Ok(key.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_is_between_white_space() {
        for (typed, key) in
            [("sk-1", "sk-1"), (" sk-~!\n", "sk-~!"), (&"k".repeat(LONGEST), &"k".repeat(LONGEST) as &str)]
        {
            assert_eq!(parse(&typed.into()).expect("it can be sent").expose_secret(), key);
        }
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_no_key_and_is_not_said_back() {
        for typed in ["", " ", "sk 1", "sk\n1", "sk\u{7f}1", "schlüssel", "sk\u{200b}1", &"k".repeat(LONGEST + 1)] {
            let error = parse(&typed.into()).expect_err("it cannot be sent");
            assert_eq!((&*error.kind, &error.details["reason"]), ("secret_invalid", &"characters".into()));
            assert!(typed.trim().is_empty() || !error.to_string().contains(typed), "{error}");
        }
    }
}
