//! The error a caller sees, whether the sidecar answered it or the pipe failed.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

/// A failed request: a stable `kind` to decide by, prose for logs, details without secrets.
///
/// Its serialised form (`kind`, `retryable`, `message`, `details`) is what the window receives.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct RpcError {
    /// snake_case name of the failure; the window has a text for each.
    pub kind: Cow<'static, str>,
    /// Whether the same request may succeed later without any change.
    pub retryable: bool,
    /// English prose for logs.
    pub message: String,
    /// A JSON object with what the text needs (paths, sizes, ids).
    pub details: Value,
}

impl RpcError {
    /// An error that repeating the request cannot cure.
    pub fn lasting(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), retryable: false, message: message.into(), details: json!({}) }
    }

    /// An error that may be gone at the next attempt.
    pub fn passing(kind: &'static str, message: impl Into<String>) -> Self {
        Self { retryable: true, ..Self::lasting(kind, message) }
    }

    /// The same error with `details` (a JSON object).
    #[must_use]
    pub fn with_details(self, details: Value) -> Self {
        Self { details, ..self }
    }

    /// The sidecar died with the request unanswered.
    pub fn sidecar_restarted() -> Self {
        Self::passing("sidecar_restarted", "the sidecar ended before it answered")
    }

    /// Whether the sidecar died with the request unanswered, or is about to as its engine hangs.
    pub(crate) fn is_of_crash(&self) -> bool {
        self.kind == "sidecar_restarted" || (self.kind == "engine_failed" && self.details["reason"] == "hung")
    }

    /// No sidecar runs, so the request was not sent.
    pub fn sidecar_unavailable(message: impl Into<String>) -> Self {
        Self::passing("sidecar_unavailable", message)
    }

    /// The line would exceed the cap, so it was not sent.
    pub(crate) fn line_too_long(bytes: usize, limit: usize) -> Self {
        Self::lasting("line_too_long", format!("the request is {bytes} bytes long, {limit} are allowed"))
            .with_details(json!({"bytes": bytes, "limit": limit}))
    }

    /// The consumer of this request's notifications did not keep up.
    pub(crate) fn slow_consumer(limit: usize) -> Self {
        Self::lasting("slow_consumer", format!("more than {limit} bytes of this request waited to be read"))
            .with_details(json!({"limit": limit}))
    }
}
