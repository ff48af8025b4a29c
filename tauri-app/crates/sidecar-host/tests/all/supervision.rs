//! Who is restarted, and how often.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::common::{client, launch, ready, soon};
use crate::stand_in::{noted, stand_in};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::json;
use sidecar_host::{Budget, Footing, Launch, Options, Pulse, Sidecar, State, Supervisor};

const LONG: Duration = Duration::from_secs(600);

fn pid(sidecar: &Sidecar) -> Pid {
    Pid::from_raw(sidecar.pid().expect("it runs") as i32).expect("a pid")
}

fn with_patience(patience: Duration, while_loading: Duration) -> Options {
    Options { pulse: Pulse { every: Duration::from_millis(20), patience, while_loading }, ..Options::default() }
}

async fn kill(supervisor: &Supervisor) {
    let sidecar = ready(supervisor).await;
    kill_process(pid(&sidecar), Signal::KILL).expect("it runs");
    soon("the exit", sidecar.exited()).await;
    let mut state = supervisor.state();
    let noticed =
        |state: &State| !matches!(state, State::Ready(current) if Arc::as_ptr(current) == Arc::as_ptr(&sidecar));
    drop(soon("the supervisor to notice", state.wait_for(noticed)).await.expect("it runs"));
}

async fn down(supervisor: &Supervisor) {
    let mut state = supervisor.state();
    drop(soon("the report", state.wait_for(|state| matches!(state, State::Down { .. }))).await.expect("it runs"));
}

#[tokio::test]
async fn a_sidecar_that_answers_no_more_is_replaced_and_its_requests_are_told() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let options = with_patience(Duration::from_secs(2), LONG);
    let supervisor = Supervisor::start(launch(data.path()), client(), options, Budget::default());
    let first = pid(&*ready(&supervisor).await);
    kill_process(first, Signal::STOP).expect("it runs");
    let call = supervisor.call("1".into(), "ping", &json!({})).await.expect("sent");
    let error = soon("the end", call.answer()).await.expect_err("it was stopped");
    assert_eq!((&*error.kind, error.retryable), ("sidecar_restarted", true));
    let next = soon("another one", supervisor.call("2".into(), "ping", &json!({}))).await.expect("one comes up");
    soon("the answer", next.answer()).await.expect("it is served");
    assert!(test_kill_process(first).is_err(), "nothing is left of the first");
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn a_sidecar_that_loads_a_model_may_be_silent_for_longer() {
    let data = tempfile::tempdir().expect("a temporary folder");
    // It never answers a ping.
    let launch = stand_in(data.path(), r#"say(method="engine/status", params={"loading": True})"#);
    let (patience, while_loading) = (Duration::from_millis(500), Duration::from_secs(2));
    let supervisor = Supervisor::start(launch, client(), with_patience(patience, while_loading), Budget::default());
    let first = ready(&supervisor).await;
    let start = Instant::now();
    assert_eq!(soon("the end", first.exited()).await.signal, Some(9));
    assert!(start.elapsed() >= while_loading, "after {:?}", start.elapsed());
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn what_a_sidecar_said_of_its_loading_is_not_forgotten_over_all_that_it_says_later() {
    let data = tempfile::tempdir().expect("a temporary folder");
    // It answers two pings, and no third one.
    let code = r#"
note("asked")
asked = len(open(sys.argv[2]).readlines())
if asked == 1:
    say(method="engine/status", params={"loading": True})
if asked == 2:
    sys.stdout.write((json.dumps({"jsonrpc": "2.0", "method": "news", "params": {}}) + "\n") * 2000)
if asked < 3:
    say(id=request["id"], result={})
"#;
    let (patience, while_loading) = (Duration::from_secs(1), Duration::from_secs(3));
    let options = with_patience(patience, while_loading);
    let supervisor = Supervisor::start(stand_in(data.path(), code), client(), options, Budget::default());
    let first = ready(&supervisor).await;
    asked(data.path(), 3).await;
    let start = Instant::now();
    assert_eq!(soon("the end", first.exited()).await.signal, Some(9));
    assert!(start.elapsed() > while_loading - patience, "after {:?}", start.elapsed());
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn an_app_that_was_held_up_itself_does_not_take_its_sidecar_for_hung() {
    let data = tempfile::tempdir().expect("a temporary folder");
    // It stops when it is asked, before it answers.
    let code = "note('asked'); os.kill(os.getpid(), __import__('signal').SIGSTOP); say(id=request['id'], result={})";
    let patience = Duration::from_secs(2);
    let options = Options { grace: Duration::from_millis(100), ..with_patience(patience, patience) };
    let supervisor = Supervisor::start(stand_in(data.path(), code), client(), options, Budget::default());
    let first = pid(&*ready(&supervisor).await);
    asked(data.path(), 1).await;
    // All tasks of this test are on this one thread: nothing of the app goes on meanwhile, as while a computer sleeps.
    std::thread::sleep(2 * patience);
    kill_process(first, Signal::CONT).expect("it runs");
    asked(data.path(), 2).await;
    assert_eq!(pid(&*ready(&supervisor).await), first);
    soon("the end", supervisor.shut_down()).await;
}

async fn asked(data: &Path, times: usize) {
    soon("a ping", async {
        while noted(data).len() < times {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_sidecar_that_worked_for_long_enough_is_replaced_however_often_it_dies() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let budget = Budget { failures: 1, within: LONG, early: Duration::ZERO };
    let supervisor = Supervisor::start(launch(data.path()), client(), Options::default(), budget);
    for _ in 0..3 {
        kill(&supervisor).await;
    }
    ready(&supervisor).await;
    soon("the end", supervisor.shut_down()).await;
}

/// Gives one launch after another, the last one for ever, and counts.
struct InTurn {
    launches: Vec<Launch>,
    starts: Arc<AtomicUsize>,
}

impl Footing for InTurn {
    async fn launch(&mut self) -> Launch {
        let start = self.starts.fetch_add(1, Ordering::SeqCst);
        self.launches[start.min(self.launches.len() - 1)].clone()
    }
}

#[tokio::test]
async fn an_engine_that_hangs_time_after_time_is_given_up_however_late_it_says_so() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let starts = Arc::new(AtomicUsize::new(0));
    let launches = vec![stand_in(data.path(), "sys.exit(70)")];
    let footing = InTurn { launches, starts: Arc::clone(&starts) };
    let budget = Budget { failures: 3, within: LONG, early: Duration::ZERO };
    let supervisor = Supervisor::start(footing, client(), with_patience(LONG, LONG), budget);
    down(&supervisor).await;
    assert_eq!(starts.load(Ordering::SeqCst), 3);
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn a_sidecar_that_hangs_time_after_time_is_given_up_however_late_it_is_killed_for_it() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let starts = Arc::new(AtomicUsize::new(0));
    // It never answers a ping.
    let footing = InTurn { launches: vec![stand_in(data.path(), "pass")], starts: Arc::clone(&starts) };
    let budget = Budget { failures: 3, within: LONG, early: Duration::ZERO };
    let supervisor = Supervisor::start(footing, client(), with_patience(Duration::from_millis(200), LONG), budget);
    down(&supervisor).await;
    assert_eq!(starts.load(Ordering::SeqCst), 3);
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn restarts_that_fail_are_given_up_however_late_they_do() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut leaves = launch(data.path());
    leaves.arguments = ["-c", "raise SystemExit(3)"].map(Into::into).into();
    let mut silent = launch(data.path());
    silent.arguments = ["-c", "import sys; sys.stdin.read()"].map(Into::into).into();
    let starts = Arc::new(AtomicUsize::new(0));
    let launches = vec![stand_in(data.path(), "pass"), leaves, silent];
    let footing = InTurn { launches, starts: Arc::clone(&starts) };
    // Each of the silent ones takes longer than failures are remembered for.
    let budget = Budget { failures: 3, within: Duration::from_secs(3), early: Duration::ZERO };
    let options = Options { handshake: Duration::from_secs(4), ..with_patience(LONG, LONG) };
    let supervisor = Supervisor::start(footing, client(), options, budget);
    kill(&supervisor).await;
    down(&supervisor).await;
    assert_eq!(starts.load(Ordering::SeqCst), 4);
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn a_restart_that_fails_is_tried_again_though_nobody_asks() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut broken = launch(data.path());
    broken.arguments = ["-c", "raise SystemExit(3)"].map(Into::into).into();
    let launches = vec![launch(data.path()), broken, launch(data.path())];
    let starts = Arc::new(AtomicUsize::new(0));
    let footing = InTurn { launches, starts: Arc::clone(&starts) };
    let supervisor = Supervisor::start(footing, client(), Options::default(), Budget::default());
    kill(&supervisor).await;
    ready(&supervisor).await;
    assert_eq!(starts.load(Ordering::SeqCst), 3);
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn whatever_id_a_call_has_a_sidecar_that_answers_nothing_is_replaced() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let options = with_patience(Duration::from_millis(500), LONG);
    let supervisor = Supervisor::start(stand_in(data.path(), "pass"), client(), options, Budget::default());
    let first = ready(&supervisor).await;
    // The ping had that one once, and a page's call of the same id was a sign of life.
    let call = supervisor.call("supervisor/ping".into(), "ping", &json!({})).await.expect("sent");
    assert_eq!(soon("the end", first.exited()).await.signal, Some(9));
    assert_eq!(soon("the answer", call.answer()).await.expect_err("it hung").kind, "sidecar_restarted");
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn whoever_listens_hears_the_next_sidecar_too() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let supervisor = Supervisor::start(launch(data.path()), client(), Options::default(), Budget::default());
    let mut notifications = supervisor.subscribe();
    kill(&supervisor).await;
    ready(&supervisor).await;
    let call = supervisor.call("1".into(), "sessions/create", &json!({})).await.expect("one runs");
    soon("the answer", call.answer()).await.expect("a chat");
    let heard = soon("a notification", notifications.recv()).await.expect("one");
    assert_eq!(heard.method, "sessions/changed");
    soon("the end", supervisor.shut_down()).await;
}
