//! The cap on a line, in both directions: so long may a line be without its newline, as on the sidecar's side.

use crate::common::{Peer, ask, soon, start};
use serde_json::json;
use sidecar_host::MAX_LINE_BYTES;

/// The text with which a `ping` of id "1" is a line of `bytes`.
fn text_of_a_ping(bytes: usize) -> String {
    "x".repeat(bytes - r#"{"jsonrpc":"2.0","id":"1","method":"ping","params":{"text":""}}"#.len())
}

#[tokio::test]
async fn a_request_over_the_cap_is_refused_here_and_the_next_one_is_served() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let sidecar = start(data.path()).await;
    let long = text_of_a_ping(MAX_LINE_BYTES + 1);
    let error = ask(&sidecar, "1", "ping", json!({"text": long})).await.expect_err("it is too long");
    assert_eq!(&*error.kind, "line_too_long");
    assert_eq!(error.details, json!({"bytes": MAX_LINE_BYTES + 1, "limit": MAX_LINE_BYTES}));
    ask(&sidecar, "2", "ping", json!({})).await.expect("it goes on");
    sidecar.shut_down().await;
}

#[tokio::test]
async fn a_request_as_long_as_the_cap_reaches_the_sidecar() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let sidecar = start(data.path()).await;
    // It arrives whole: the sidecar complains of the unknown member, not of the line.
    let long = text_of_a_ping(MAX_LINE_BYTES);
    let error = ask(&sidecar, "1", "ping", json!({"text": long})).await.expect_err("an unknown member");
    assert_eq!(error.kind, "invalid_params");
    sidecar.shut_down().await;
}

#[tokio::test]
async fn an_answer_over_the_cap_is_discarded_and_the_next_one_arrives() {
    let mut peer = Peer::new();
    let call = peer.transport.call("1".into(), "ping", &json!({})).await.expect("it is sent");
    peer.write(&"x".repeat(MAX_LINE_BYTES + 1)).await;
    peer.write(r#"{"jsonrpc":"2.0","id":"1","result":null}"#).await;
    assert_eq!(soon("the answer", call.answer()).await.expect("an answer").get(), "null");
}

#[tokio::test]
async fn an_answer_as_long_as_the_cap_arrives() {
    let mut peer = Peer::new();
    let call = peer.transport.call("1".into(), "ping", &json!({})).await.expect("it is sent");
    let (head, tail) = (r#"{"jsonrpc":"2.0","id":"1","result":""#, r#""}"#);
    let text = "x".repeat(MAX_LINE_BYTES - head.len() - tail.len());
    peer.write(&format!("{head}{text}{tail}")).await;
    assert_eq!(soon("the answer", call.answer()).await.expect("an answer").get().len(), text.len() + 2);
}
