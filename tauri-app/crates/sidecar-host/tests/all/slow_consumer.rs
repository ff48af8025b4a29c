//! A caller that does not read its notifications.

use crate::common::{Peer, soon};
use serde_json::json;
use sidecar_host::{Event, REQUEST_QUEUE_BYTES};

fn chunk(id: &str, bytes: usize) -> String {
    let params = json!({"requestId": id, "chunk": "x".repeat(bytes)});
    json!({"jsonrpc": "2.0", "method": "chat/chunk", "params": params}).to_string()
}

#[tokio::test]
async fn a_slow_consumer_loses_its_request_and_no_other_one() {
    let mut peer = Peer::new();
    let mut slow = peer.transport.call("slow".into(), "chat/completions", &json!({})).await.expect("sent");
    let mut quick = peer.transport.call("quick".into(), "chat/completions", &json!({})).await.expect("sent");
    peer.read().await;
    peer.read().await;

    let mebibyte = 1024 * 1024;
    for _ in 0..2 * REQUEST_QUEUE_BYTES / mebibyte {
        peer.write(&chunk("slow", mebibyte)).await;
        peer.write(&chunk("quick", mebibyte)).await;
        // Reading this one also shows that the pipe is drained whatever the slow one does.
        assert!(matches!(soon("a chunk", quick.next()).await, Event::Notification(_)));
    }
    let cancel = peer.read().await;
    assert_eq!((&cancel["method"], &cancel["params"]), (&json!("$/cancelRequest"), &json!({"id": "slow"})));

    let mut waiting = 0;
    let error = loop {
        match soon("the end", slow.next()).await {
            Event::Notification(notification) => waiting += notification.params.get().len(),
            Event::Answer(answer) => break answer.expect_err("it was cancelled"),
        }
    };
    assert_eq!(error.kind, "slow_consumer");
    assert!(waiting <= REQUEST_QUEUE_BYTES, "{waiting} bytes waited");

    peer.write(r#"{"jsonrpc":"2.0","id":"quick","result":{}}"#).await;
    quick.answer().await.expect("the other request is served");
}

#[tokio::test]
async fn a_consumer_that_reads_may_receive_any_amount() {
    let mut peer = Peer::new();
    let mut call = peer.transport.call("1".into(), "chat/completions", &json!({})).await.expect("sent");
    for _ in 0..5 {
        peer.write(&chunk("1", REQUEST_QUEUE_BYTES - 1000)).await;
        assert!(matches!(soon("a chunk", call.next()).await, Event::Notification(_)));
    }
}
