//! A sidecar that dies with requests under way.

use std::time::Duration;

use crate::common::{Peer, client, ready, soon, start};
use crate::stand_in::{noted, stand_in};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use sidecar_host::{Budget, Options, Supervisor};

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

#[tokio::test]
async fn a_sidecar_whose_stdout_somebody_else_holds_answers_what_it_owed_all_the_same() {
    let data = tempfile::tempdir().expect("a temporary folder");
    // Only the second one answers; the first leaves somebody behind who is not of its group.
    let code = r#"
if request["method"] == "leave":
    note(str(__import__("subprocess").Popen(["sleep", "60"], start_new_session=True).pid))
    os._exit(1)
if request["method"] == "chat/completions" and os.path.exists(sys.argv[2]):
    say(id=request["id"], result={})
"#;
    let options = Options { grace: Duration::from_millis(100), ..Options::default() };
    let supervisor = Supervisor::start(stand_in(data.path(), code), client(), options, Budget::default());
    ready(&supervisor).await;
    let background = supervisor.call("1".into(), "chat/completions", &json!({})).await.expect("sent");
    let owed = supervisor.call("2".into(), "leave", &json!({})).await.expect("sent");
    let told = soon("the end", owed.answer()).await.expect_err("nobody answered");
    assert_eq!((&*told.kind, told.retryable), ("sidecar_restarted", true));
    soon("the answer", background.answer()).await.expect("it is put to the next one");
    let holder = noted(data.path())[0].parse().expect("its number");
    kill_process(Pid::from_raw(holder).expect("a pid"), Signal::KILL).expect("it held the stdout to the end");
    soon("the end", supervisor.shut_down()).await;
}
