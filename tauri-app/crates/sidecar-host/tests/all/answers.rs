//! Requests and answers with the real sidecar.

use crate::common::{ask, start};
use serde_json::json;

#[tokio::test]
async fn many_requests_at_once_each_get_their_own_answer() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let sidecar = start(data.path()).await;
    let ids: Vec<String> = (0..100).map(|number| format!("ping-{number}")).collect();
    let mut calls = Vec::new();
    for id in &ids {
        calls.push(sidecar.call(id.clone(), "ping", &json!({})).await.expect("it is sent"));
    }
    for (call, id) in calls.into_iter().zip(&ids).rev() {
        assert_eq!(call.id(), id);
        crate::common::soon("an answer", call.answer()).await.expect("it answers");
    }
    sidecar.shut_down().await;
}

#[tokio::test]
async fn an_error_arrives_with_its_kind_and_the_next_request_is_served() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let sidecar = start(data.path()).await;
    let error = ask(&sidecar, "1", "no/such", json!({})).await.expect_err("there is no such method");
    assert_eq!((&*error.kind, error.retryable), ("method_not_found", false));
    let wrong = ask(&sidecar, "2", "models/status", json!({"modelId": 7})).await.expect_err("the id is a string");
    assert_eq!(wrong.kind, "invalid_params");
    ask(&sidecar, "3", "ping", json!({})).await.expect("it goes on");
    sidecar.shut_down().await;
}
