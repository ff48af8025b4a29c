//! Why the keychain does not do what is asked of it.

use serde_json::json;
use sidecar_host::RpcError;

/// What it says is the system's own words, or ours; never a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeychainError {
    /// There is none to be reached, so nothing is kept in it by this run.
    #[error("{0}")]
    Absent(String),
    /// There is one, and it does not let us in: it is locked, the person said no, or nobody answered its question.
    #[error("{0}")]
    Closed(String),
}

impl From<keyring_core::Error> for KeychainError {
    fn from(error: keyring_core::Error) -> Self {
        // Of these `Display` alone is safe: `Debug` of a badly encoded key is the key.
        Self::Closed(error.to_string())
    }
}

impl From<KeychainError> for RpcError {
    fn from(error: KeychainError) -> Self {
        let reason = error.to_string();
        Self::lasting("keychain_unavailable", format!("the system's keychain cannot be used: {reason}"))
            .with_details(json!({"reason": reason}))
    }
}
