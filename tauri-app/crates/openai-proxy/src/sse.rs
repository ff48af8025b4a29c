//! An answer as server-sent events: a chunk each, then `[DONE]`.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::value::RawValue;
use sidecar_host::RpcError;
use tokio::time::timeout;

use crate::answer::{Answer, Piece};
use crate::error::ApiError;

const COMMENT: &str = ": waiting\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// Answers with the stream; after each `pulse` without a chunk a comment says that it lives. What fails before it has begun has its own status.
pub(crate) async fn respond(mut answer: Answer, pulse: Duration) -> Result<Response, ApiError> {
    let (first, ends) = match timeout(pulse, answer.next()).await {
        Ok(piece) => event(piece?),
        Err(_) => (COMMENT.into(), false),
    };
    let begun = stream::unfold((Some(first), (!ends).then_some(answer)), move |(first, answer)| async move {
        if let Some(first) = first {
            return Some((first, (None, answer)));
        }
        let mut answer = answer?;
        let (event, ends) = match timeout(pulse, answer.next()).await {
            Ok(Ok(piece)) => event(piece),
            Ok(Err(error)) => (data(&error.body().to_string()), true),
            Err(_) => (COMMENT.into(), false),
        };
        Some((event, (None, (!ends).then_some(answer))))
    });
    let body = Body::from_stream(futures_util::StreamExt::map(begun, Ok::<Bytes, Infallible>));
    Ok(([(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")], body).into_response())
}

/// The event, and whether it is the last one.
fn event(piece: Piece) -> (Bytes, bool) {
    match piece {
        Piece::Chunk(params) => match chunk(&params) {
            Ok(chunk) => (data(chunk.get()), false),
            Err(error) => {
                let error = ApiError::from(RpcError::lasting("internal_error", error.to_string()));
                (data(&error.body().to_string()), true)
            }
        },
        Piece::Whole(_) => (DONE.into(), true),
    }
}

/// The chunk in the params of `chat/chunk`, as it is.
fn chunk(params: &RawValue) -> serde_json::Result<&RawValue> {
    #[derive(Deserialize)]
    struct Params<'a> {
        #[serde(borrow)]
        chunk: &'a RawValue,
    }
    serde_json::from_str::<Params<'_>>(params.get()).map(|params| params.chunk)
}

/// JSON of the pipe is one line, so it is one of an event, too.
fn data(json: &str) -> Bytes {
    format!("data: {json}\n\n").into()
}
