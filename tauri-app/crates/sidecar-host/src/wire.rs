//! The shapes of JSON-RPC 2.0 messages on the pipe.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::error::RpcError;

/// A notification of the sidecar, its params as they came (parsed by whoever understands them).
#[derive(Debug, Clone, Serialize)]
pub struct Notification {
    pub method: String,
    pub params: Box<RawValue>,
}

/// What the sidecar may send: an answer (`id` with `result` or `error`) or a notification (`method`).
#[derive(Debug, Deserialize)]
pub(crate) struct Incoming {
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) method: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) params: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) result: Option<Box<RawValue>>,
    #[serde(default)]
    pub(crate) error: Option<ErrorObject>,
}

/// `null` is a result like any other; serde would take it for an absent member.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

/// The `error` member of an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct ErrorObject {
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) data: ErrorData,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorData {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    retryable: bool,
    #[serde(default)]
    details: Option<Value>,
}

impl From<ErrorObject> for RpcError {
    fn from(error: ErrorObject) -> Self {
        let ErrorData { kind, retryable, details } = error.data;
        Self {
            kind: kind.map_or(Cow::Borrowed("internal_error"), Cow::Owned),
            retryable,
            message: error.message,
            details: details.unwrap_or_else(|| json!({"code": error.code})),
        }
    }
}

/// The one member by which a notification names the request it belongs to.
#[derive(Deserialize)]
struct Belonging {
    #[serde(default, rename = "requestId")]
    request_id: Option<String>,
}

impl Notification {
    /// The request this notification belongs to, if it names one.
    pub(crate) fn request_id(&self) -> Option<String> {
        serde_json::from_str::<Belonging>(self.params.get()).ok()?.request_id
    }
}

/// Serialises a request (`id` given) or a notification as one line with its newline.
pub(crate) fn encode(id: Option<&str>, method: &str, params: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Outgoing<'a, P> {
        jsonrpc: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        method: &'a str,
        params: &'a P,
    }
    let mut line = serde_json::to_vec(&Outgoing { jsonrpc: "2.0", id, method, params })?;
    // Params that came as text may be laid out in lines. In JSON a line break is white space wherever it stands.
    for byte in &mut line {
        if *byte == b'\n' {
            *byte = b' ';
        }
    }
    line.push(b'\n');
    Ok(line)
}
