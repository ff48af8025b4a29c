//! The cap on a line, in both directions.

use crate::common::{Peer, ask, soon, start};
use serde_json::json;
use sidecar_host::MAX_LINE_BYTES;

#[tokio::test]
async fn a_request_over_the_cap_is_refused_here_and_the_next_one_is_served() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let sidecar = start(data.path()).await;
    let long = "x".repeat(MAX_LINE_BYTES);
    let error = ask(&sidecar, "1", "ping", json!({"text": long})).await.expect_err("it is too long");
    assert_eq!((&*error.kind, &error.details["limit"]), ("line_too_long", &json!(MAX_LINE_BYTES)));
    ask(&sidecar, "2", "ping", json!({})).await.expect("it goes on");
    sidecar.shut_down().await;
}

#[tokio::test]
async fn a_long_request_under_the_cap_reaches_the_sidecar() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let sidecar = start(data.path()).await;
    // It arrives whole: the sidecar complains of the unknown member, not of the line.
    let error =
        ask(&sidecar, "1", "ping", json!({"text": "x".repeat(20_000_000)})).await.expect_err("an unknown member");
    assert_eq!(error.kind, "invalid_params");
    sidecar.shut_down().await;
}

#[tokio::test]
async fn an_answer_over_the_cap_is_discarded_and_the_next_one_arrives() {
    let mut peer = Peer::new();
    let call = peer.transport.call("1".into(), "ping", &json!({})).await.expect("it is sent");
    peer.write(&"x".repeat(MAX_LINE_BYTES)).await;
    peer.write(r#"{"jsonrpc":"2.0","id":"1","result":null}"#).await;
    assert_eq!(soon("the answer", call.answer()).await.expect("an answer").get(), "null");
}
