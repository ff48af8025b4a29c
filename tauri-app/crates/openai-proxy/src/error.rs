//! Everything that can fail, as OpenAI's clients expect it: a status, and `{"error": {message, type, param, code}}`.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use sidecar_host::RpcError;

/// What each kind of the sidecar's errors is called here; generated with the rest of the contract.
const ERRORS: &str = include_str!("../../../../schemas/errors.json");

/// OpenAI's libraries go by it where it is there; else they would repeat every 5xx.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// An error on its way to the client.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    openai_type: &'static str,
    message: String,
    /// The member of the request that is at fault, if one is.
    param: Option<String>,
    /// The stable name to decide by.
    code: String,
    /// What the sidecar says beside it, unless it is not for clients.
    details: Option<Box<Value>>,
    retryable: bool,
    retry_after_seconds: Option<u64>,
}

impl ApiError {
    /// One that the client has to mend.
    pub(crate) fn of_client(status: StatusCode, code: &str, message: &str) -> Self {
        Self {
            status,
            openai_type: "invalid_request_error",
            message: message.to_owned(),
            param: None,
            code: code.to_owned(),
            details: None,
            retryable: false,
            retry_after_seconds: None,
        }
    }

    /// A member of the request that does not fit.
    pub(crate) fn of_member(param: &str, message: &str) -> Self {
        let param = Some(param.to_owned());
        Self { param, ..Self::of_client(StatusCode::BAD_REQUEST, "invalid_request", message) }
    }

    /// As many are served as are served at once.
    pub(crate) fn too_many_connections() -> Self {
        Self::of_now("too_many_connections", "there are too many connections at once; close some, or ask again later")
    }

    /// Longer bodies have all the memory that there is for them.
    pub(crate) fn too_many_bodies() -> Self {
        Self::of_now("too_many_bodies", "there are too many long bodies at once; ask again later")
    }

    /// There is no room; soon there may be.
    fn of_now(code: &str, message: &str) -> Self {
        Self {
            openai_type: "server_error",
            retryable: true,
            retry_after_seconds: Some(1),
            ..Self::of_client(StatusCode::SERVICE_UNAVAILABLE, code, message)
        }
    }

    /// The error as the body of an answer, or as an event within one.
    pub(crate) fn body(&self) -> Value {
        let mut error = json!({
            "message": self.message,
            "type": self.openai_type,
            "param": self.param,
            "code": self.code,
        });
        if let Some(details) = &self.details {
            error["details"] = Value::clone(details);
        }
        json!({"error": error})
    }
}

impl From<RpcError> for ApiError {
    fn from(error: RpcError) -> Self {
        let row = row(&error.kind);
        let status = StatusCode::from_u16(row.http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let message = if error.message.is_empty() { error.kind.to_string() } else { error.message };
        Self {
            status,
            openai_type: openai_type(&row.openai_type),
            message,
            param: error.details["member"].as_str().map(str::to_owned),
            code: error.kind.into_owned(),
            retryable: error.retryable,
            retry_after_seconds: error.details["retryAfterSeconds"].as_u64(),
            // Those of 5xx are for the app's own window: paths, the last lines of a log.
            details: status.is_client_error().then(|| Box::new(error.details)),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(SHOULD_RETRY, HeaderValue::from_static(if self.retryable { "true" } else { "false" }));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[derive(Default, Deserialize)]
struct Contract {
    errors: Vec<Row>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    kind: String,
    http_status: u16,
    openai_type: String,
}

fn row(kind: &str) -> Row {
    static ROWS: LazyLock<HashMap<String, Row>> = LazyLock::new(|| {
        let contract: Contract = serde_json::from_str(ERRORS).unwrap_or_default();
        contract.errors.into_iter().map(|row| (row.kind.clone(), row)).collect()
    });
    // A kind that the contract does not have is a fault of ours.
    ROWS.get(kind).cloned().unwrap_or(Row { kind: kind.into(), http_status: 500, openai_type: "server_error".into() })
}

fn openai_type(name: &str) -> &'static str {
    const KNOWN: [&str; 3] = ["invalid_request_error", "not_found_error", "rate_limit_error"];
    KNOWN.into_iter().find(|known| *known == name).unwrap_or("server_error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_sidecar_has_the_status_and_type_of_the_contract() {
        for (kind, status, openai_type) in [
            ("context_length_exceeded", 400, "invalid_request_error"),
            ("model_not_found", 404, "not_found_error"),
            ("provider_rate_limited", 429, "rate_limit_error"),
            ("sidecar_restarted", 503, "server_error"),
            ("a kind of tomorrow", 500, "server_error"),
        ] {
            let error = ApiError::from(RpcError::lasting("x", "").with_details(json!({"member": "n"})));
            assert_eq!(error.param.as_deref(), Some("n"));
            let error = ApiError::from(RpcError { kind: kind.into(), ..RpcError::lasting("x", "why") });
            assert_eq!((error.status.as_u16(), error.openai_type), (status, openai_type), "{kind}");
            assert_eq!(error.body()["error"]["code"], kind);
        }
    }

    #[test]
    fn what_the_sidecar_said_last_is_for_the_window_alone() {
        let error = RpcError::sidecar_unavailable("none").with_details(json!({"stderr": "/home/person", "x": 1}));
        assert!(!ApiError::from(error).body().to_string().contains("person"));
    }
}
