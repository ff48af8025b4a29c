//! Background requests whose sidecar dies.

use crate::common::{client, launch, ready, soon};
use crate::stand_in::{noted, stand_in};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sidecar_host::{Budget, Event, Footing, Launch, Options, RpcError, Supervisor};
use tokio::sync::oneshot;

const METHOD: &str = "chat/completions";

fn question(priority: u8) -> Value {
    json!({"messages": [{"role": "user", "content": "Hello"}], "priority": priority})
}

async fn failed(call: sidecar_host::Call) -> RpcError {
    soon("the answer", call.answer()).await.expect_err("nobody can answer")
}

#[tokio::test]
async fn the_next_sidecar_answers_a_background_request_and_a_person_is_told() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let supervisor = Supervisor::start(launch(data.path()), client(), Options::default(), Budget::default());
    let pid = ready(&supervisor).await.pid().expect("it runs");
    let pid = Pid::from_raw(pid as i32).expect("a pid");
    // Stopped, it answers nothing before it is killed.
    kill_process(pid, Signal::STOP).expect("it runs");
    let background = supervisor.call("1".into(), METHOD, &question(10)).await.expect("sent");
    let unsaid = json!({"messages": [{"role": "user", "content": "Hello"}]});
    let unsaid = supervisor.call("2".into(), METHOD, &unsaid).await.expect("sent");
    let person = supervisor.call("3".into(), METHOD, &question(1)).await.expect("sent");
    kill_process(pid, Signal::KILL).expect("it runs");
    assert_eq!(failed(person).await.kind, "sidecar_restarted");
    // There is no model in this folder: that is an answer, of the next sidecar.
    assert_eq!(failed(background).await.kind, "model_not_ready");
    assert_eq!(failed(unsaid).await.kind, "model_not_ready");
    soon("the end", supervisor.shut_down()).await;
}

/// Its sidecar dies of every request, after that code.
fn fatal(data: &std::path::Path, code: &str) -> Launch {
    stand_in(data, &format!("if request['method'] == {METHOD:?}: note(request['id']); {code}; os._exit(1)"))
}

#[tokio::test]
async fn a_request_that_sidecars_die_of_is_put_twice_and_no_more() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let launch = fatal(data.path(), "0");
    let supervisor = Supervisor::start(launch, client(), Options::default(), Budget::default());
    let call = soon("a sidecar", supervisor.call("1".into(), METHOD, &question(10))).await.expect("sent");
    assert_eq!(failed(call).await.kind, "sidecar_restarted");
    assert_eq!(noted(data.path()), ["1", "1"]);
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn a_request_that_failed_as_the_engine_hangs_is_put_to_the_next_sidecar() {
    let data = tempfile::tempdir().expect("a temporary folder");
    // The engine's watchdog has the process leave, which takes a moment.
    let hung = "data = {'kind': 'engine_failed', 'retryable': True, 'details': {'reason': 'hung'}}; \
                note(str(os.getpid())); say(id=request['id'], error={'code': -32000, 'message': '', 'data': data}); \
                __import__('threading').Timer(0.2, os._exit, [70]).start()";
    let launch = stand_in(data.path(), &format!("if request['method'] == {METHOD:?}: {hung}"));
    let supervisor = Supervisor::start(launch, client(), Options::default(), Budget::default());
    let call = soon("a sidecar", supervisor.call("1".into(), METHOD, &question(10))).await.expect("sent");
    assert_eq!(failed(call).await.details["reason"], "hung");
    let asked = noted(data.path());
    assert_eq!(asked.len(), 2);
    assert_ne!(asked[0], asked[1], "it was put to another one");
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn an_answer_of_which_something_was_heard_is_not_begun_anew() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let launch = fatal(data.path(), "say(method='chat/chunk', params={'requestId': request['id'], 'chunk': {}})");
    let supervisor = Supervisor::start(launch, client(), Options::default(), Budget::default());
    let mut call = soon("a sidecar", supervisor.call("1".into(), METHOD, &question(10))).await.expect("sent");
    assert!(matches!(soon("a chunk", call.next()).await, Event::Notification(_)));
    assert_eq!(failed(call).await.kind, "sidecar_restarted");
    assert_eq!(noted(data.path()), ["1"]);
    soon("the end", supervisor.shut_down()).await;
}

/// A first launch, and another one that never comes; it tells that it is asked for.
struct Once(Option<Launch>, Option<oneshot::Sender<()>>);

impl Footing for Once {
    async fn launch(&mut self) -> Launch {
        if let Some(launch) = self.0.take() {
            return launch;
        }
        drop(self.1.take());
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_request_can_be_cancelled_while_there_is_no_sidecar_to_put_it_to() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let (asking, asked) = oneshot::channel();
    let footing = Once(Some(fatal(data.path(), "0")), Some(asking));
    let supervisor = Supervisor::start(footing, client(), Options::default(), Budget::default());
    let mut call = soon("a sidecar", supervisor.call("1".into(), METHOD, &question(10))).await.expect("sent");
    tokio::select! {
        _ = call.next() => panic!("nobody answers"),
        _ = soon("the next start", asked) => {}
    }
    call.cancel();
    assert_eq!(failed(call).await.kind, "request_cancelled");
    soon("the end", supervisor.shut_down()).await;
}
