//! Where notifications go.

use crate::common::{Peer, soon};
use serde_json::json;
use sidecar_host::Event;

#[tokio::test]
async fn a_notification_of_a_request_goes_to_its_caller_before_the_answer() {
    let mut peer = Peer::new();
    let mut call = peer.transport.call("1".into(), "chat/completions", &json!({})).await.expect("sent");
    peer.write(r#"{"jsonrpc":"2.0","method":"chat/chunk","params":{"requestId":"1","chunk":{"n":1}}}"#).await;
    peer.write(r#"{"jsonrpc":"2.0","id":"1","result":null}"#).await;
    let Event::Notification(first) = soon("the chunk", call.next()).await else { panic!("the answer overtook it") };
    assert_eq!((&*first.method, first.params.get()), ("chat/chunk", r#"{"requestId":"1","chunk":{"n":1}}"#));
    assert!(matches!(soon("the answer", call.next()).await, Event::Answer(Ok(_))));
}

#[tokio::test]
async fn a_notification_of_no_request_goes_to_every_subscriber() {
    let mut peer = Peer::new();
    let mut other = peer.notifications.resubscribe();
    peer.write(r#"{"jsonrpc":"2.0","method":"engine/status","params":{"loaded":true}}"#).await;
    assert_eq!(soon("it", peer.notifications.recv()).await.expect("it").method, "engine/status");
    assert_eq!(soon("it", other.recv()).await.expect("it").params.get(), r#"{"loaded":true}"#);
}

#[tokio::test]
async fn a_notification_of_a_request_that_is_over_reaches_nobody() {
    let mut peer = Peer::new();
    peer.write(r#"{"jsonrpc":"2.0","method":"chat/chunk","params":{"requestId":"over"}}"#).await;
    peer.write(r#"{"jsonrpc":"2.0","method":"engine/status","params":{}}"#).await;
    assert_eq!(soon("the next", peer.notifications.recv()).await.expect("it").method, "engine/status");
}

#[tokio::test]
async fn what_is_no_json_rpc_is_passed_over() {
    let mut peer = Peer::new();
    let call = peer.transport.call("1".into(), "ping", &json!({})).await.expect("sent");
    for line in ["", "not json", "[]", "{}", r#"{"id":"unknown","result":1}"#, r#"{"id":7,"result":1}"#] {
        peer.write(line).await;
    }
    peer.write(r#"{"jsonrpc":"2.0","id":"1","result":"pong"}"#).await;
    assert_eq!(soon("the answer", call.answer()).await.expect("an answer").get(), r#""pong""#);
}
