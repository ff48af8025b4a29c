//! Cancelling a request.

use crate::common::{Peer, ask, soon, start};
use serde_json::json;

#[tokio::test]
async fn a_cancelled_request_still_answers() {
    let mut peer = Peer::new();
    let call = peer.transport.call("1".into(), "chat/completions", &json!({})).await.expect("sent");
    peer.read().await;
    call.cancel();
    assert_eq!(peer.read().await["params"], json!({"id": "1"}));
    let data = r#"{"kind":"request_cancelled","retryable":false,"details":{}}"#;
    peer.write(&format!(r#"{{"jsonrpc":"2.0","id":"1","error":{{"code":-32800,"message":"x","data":{data}}}}}"#)).await;
    assert_eq!(soon("the answer", call.answer()).await.expect_err("cancelled").kind, "request_cancelled");
}

#[tokio::test]
async fn a_request_whose_caller_leaves_is_cancelled() {
    let mut peer = Peer::new();
    drop(peer.transport.call("1".into(), "chat/completions", &json!({})).await.expect("sent"));
    assert_eq!(peer.read().await["id"], "1");
    let cancel = peer.read().await;
    assert_eq!((&cancel["method"], &cancel["params"]), (&json!("$/cancelRequest"), &json!({"id": "1"})));
}

#[tokio::test]
async fn a_second_request_by_an_id_that_is_under_way_is_refused_and_the_first_goes_on() {
    let mut peer = Peer::new();
    let first = peer.transport.call("1".into(), "ping", &json!({})).await.expect("sent");
    let error = peer.transport.call("1".into(), "ping", &json!({})).await.expect_err("it is under way");
    assert_eq!(error.kind, "invalid_json_rpc");
    assert_eq!(peer.read().await["id"], "1");
    peer.write(r#"{"jsonrpc":"2.0","id":"1","result":{}}"#).await;
    soon("the answer", first.answer()).await.expect("nobody gave it up");
}

#[tokio::test]
async fn the_sidecar_lives_on_after_a_request_was_left() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let sidecar = start(data.path()).await;
    drop(sidecar.call("1".into(), "ping", &json!({})).await.expect("sent"));
    ask(&sidecar, "2", "ping", json!({})).await.expect("it goes on");
    sidecar.shut_down().await;
}
