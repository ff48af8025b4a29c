//! A sidecar that dies with requests under way.

use crate::common::{Peer, soon, start};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

#[tokio::test]
async fn every_request_gets_an_answer_when_the_pipe_ends() {
    let peer = Peer::new();
    let one = peer.transport.call("1".into(), "ping", &json!({})).await.expect("sent");
    let two = peer.transport.call("2".into(), "ping", &json!({})).await.expect("sent");
    let transport = peer.transport.clone();
    peer.hang_up().await;
    for call in [one, two] {
        let error = soon("the end", call.answer()).await.expect_err("nobody answered");
        assert_eq!((&*error.kind, error.retryable), ("sidecar_restarted", true));
    }
    let late = transport.call("3".into(), "ping", &json!({})).await.expect_err("the pipe is closed");
    assert_eq!((&*late.kind, late.retryable), ("sidecar_unavailable", true));
}

#[tokio::test]
async fn a_killed_sidecar_answers_what_it_owed() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let sidecar = start(data.path()).await;
    let pid = Pid::from_raw(sidecar.pid().expect("it runs") as i32).expect("a pid");
    // Stopped, it cannot answer before it is killed.
    kill_process(pid, Signal::STOP).expect("it runs");
    let call = sidecar.call("1".into(), "ping", &json!({})).await.expect("sent");
    kill_process(pid, Signal::KILL).expect("it runs");
    assert_eq!(soon("the end", call.answer()).await.expect_err("it died").kind, "sidecar_restarted");
    assert_eq!(soon("the exit", sidecar.exited()).await.signal, Some(9));
}
