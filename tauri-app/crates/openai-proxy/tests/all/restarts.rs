//! A sidecar that dies with requests under way.

use crate::common::{PATH, Served};

#[tokio::test]
async fn a_request_that_can_wait_is_put_once_more() {
    let served = Served::start().await;
    for (content, stream) in [("die one", false), ("die two", true)] {
        let answer = served.send(&served.chat(PATH, content, stream)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(stream || answer.content() == "alive");
    }
}

#[tokio::test]
async fn one_that_a_person_waits_for_is_its_clients_to_repeat() {
    let served = Served::start().await;
    let answer = served.send(&served.chat(&format!("{PATH}?priority=1"), "die one", false)).await;
    assert_eq!((answer.status, &*answer.code()), (503, "sidecar_restarted"));
    assert!(answer.head.contains("x-should-retry: true"), "{answer:?}");
}

#[tokio::test]
async fn a_stream_that_has_begun_ends_with_the_error() {
    let served = Served::start().await;
    let answer = served.send(&served.chat(PATH, "die chunk", true)).await;
    let (before, after) = answer.body.trim_end().rsplit_once("data: ").unwrap();
    assert!(before.contains("before"), "{answer:?}");
    let error: serde_json::Value = serde_json::from_str(after).unwrap();
    assert_eq!(error["error"]["code"], "sidecar_restarted");
}
