//! `POST /v1/chat/completions`: what of the body the proxy reads, and what it adds. All else is the sidecar's to judge.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::value::{RawValue, to_raw_value};
use sidecar_host::RpcError;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::routes::Shared;
use crate::sse;
use crate::turn::{self, Priority};

/// The body's members as they came.
pub(crate) type Members = BTreeMap<String, Box<RawValue>>;

/// A member of the pipe's own: by it the sidecar knows whom it serves. A client has no business with it.
const ORIGIN: &str = "origin";
const PRIORITY: &str = "priority";

/// A request as the sidecar gets it.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) members: Members,
    pub(crate) priority: Priority,
    /// Rows it takes in the engine.
    pub(crate) rows: u32,
    pub(crate) streams: bool,
}

impl Chat {
    /// The priority of the address counts before the body's.
    pub(crate) fn parse(body: &[u8], query: &str) -> Result<Self, ApiError> {
        let mut members: Members = serde_json::from_slice(body).map_err(|error| {
            let message = format!("the body is no JSON object: line {}, column {}", error.line(), error.column());
            ApiError::of_client(StatusCode::BAD_REQUEST, "parse_error", &message)
        })?;
        if members.contains_key(ORIGIN) {
            return Err(ApiError::of_member(ORIGIN, "member not supported: origin"));
        }
        let in_body = members.get(PRIORITY).map(|raw| raw.get()).filter(|text| *text != "null");
        let priority = asked_priority(query).or(in_body).map_or(Ok(Priority::Low), Priority::parse)?;
        let rows = turn::rows(priority, members.get("n").map(|raw| &**raw))?;
        let streams = members.get("stream").is_some_and(|raw| raw.get() == "true");
        members.insert(PRIORITY.into(), raw(&priority.number())?);
        members.insert(ORIGIN.into(), raw(&"proxy")?);
        Ok(Self { members, priority, rows, streams })
    }
}

/// What `?priority=` says; the last one, if there are several.
fn asked_priority(query: &str) -> Option<&str> {
    query.split('&').filter_map(|pair| pair.strip_prefix("priority=")).next_back()
}

fn raw(value: &impl serde::Serialize) -> Result<Box<RawValue>, ApiError> {
    Ok(to_raw_value(value).map_err(|error| RpcError::lasting("internal_error", error.to_string()))?)
}

pub(crate) async fn completions(
    State(shared): State<Shared>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Response, ApiError> {
    let whole = shared.room.read(body, shared.patience.body).await?;
    let chat = Chat::parse(&whole.bytes, query.as_deref().unwrap_or_default())?;
    let (streams, held) = (chat.streams, whole.held);
    drop(whole.bytes);
    let pulse = shared.patience.pulse;
    let answer = Answer::new(shared, chat, held);
    if streams {
        return sse::respond(answer, pulse).await;
    }
    let answer = answer.whole().await?;
    Ok(([(CONTENT_TYPE, "application/json")], String::from(Box::<str>::from(answer))).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str, query: &str) -> Result<Chat, ApiError> {
        Chat::parse(body.as_bytes(), query)
    }

    #[test]
    fn the_address_says_the_priority_then_the_body_and_then_it_can_wait() {
        for (body, query, number) in [
            (r#"{"priority": 1}"#, "", 1),
            (r#"{"priority": 1}"#, "priority=10", 10),
            ("{}", "a=b&priority=1", 1),
            (r#"{"priority": null}"#, "", 10),
            ("{}", "", 10),
        ] {
            let chat = parsed(body, query).expect("it fits");
            assert_eq!(chat.members["priority"].get(), number.to_string(), "{body} {query}");
            assert_eq!(chat.members["origin"].get(), r#""proxy""#);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        for (body, query, name) in [
            ("{}", "priority=5", "priority"),
            (r#"{"priority": "high"}"#, "", "priority"),
            (r#"{"origin": "window"}"#, "", "origin"),
            (r#"{"n": 3}"#, "priority=1", "n"),
        ] {
            let error = parsed(body, query).expect_err("it does not fit").body();
            assert_eq!(error["error"]["param"], name, "{body} {query}");
        }
    }

    #[test]
    fn a_body_that_is_no_object_is_told_by_its_place_without_its_words() {
        for body in ["", "secret", "[]", r#"{"a": secret}"#, "{\"a\": \"line\nbreak\"}", "{\"a\": NaN}"] {
            let error = parsed(body, "").expect_err("no object").body();
            assert_eq!(error["error"]["code"], "parse_error");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(Chat::parse(b"{\"a\": \"\xff\"}", "").is_err(), "no UTF-8");
    }
}
