//! One sidecar after another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::common::{client, launch, ready, soon};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::json;
use sidecar_host::{Budget, Footing, Launch, Options, State, Supervisor};
use tokio::sync::oneshot;

fn pid(sidecar: &sidecar_host::Sidecar) -> Pid {
    Pid::from_raw(sidecar.pid().expect("it runs") as i32).expect("a pid")
}

#[tokio::test]
async fn a_killed_sidecar_is_replaced_and_the_next_request_is_served() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let supervisor = Supervisor::start(launch(data.path()), client(), Options::default(), Budget::default());
    let first = pid(&*ready(&supervisor).await);
    kill_process(first, Signal::KILL).expect("it runs");
    // Sent into the gap, it waits for the next sidecar instead of failing; sent just before, it is told.
    let answer = soon("an answer", async {
        loop {
            let call = supervisor.call("1".into(), "ping", &json!({})).await.expect("one comes up");
            match call.answer().await {
                Err(error) if error.kind == "sidecar_restarted" => {}
                answer => return answer,
            }
        }
    });
    answer.await.expect("it is served");
    assert_ne!(pid(&*ready(&supervisor).await), first);
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn a_sidecar_that_refuses_what_it_was_given_says_why() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut launch = launch(data.path());
    launch.arguments.extend(["--catalog".into(), data.path().join("no-catalog.json").into()]);
    let supervisor = Supervisor::start(launch, client(), Options::default(), Budget::default());
    let error = soon("the answer", supervisor.call("1".into(), "ping", &json!({}))).await.expect_err("none comes up");
    assert_eq!((&*error.kind, error.retryable), ("start_refused", false));
    assert_eq!(error.details["exitCode"], 64);
    let stderr = error.details["stderr"].as_str().expect("what it said");
    assert!(stderr.starts_with("sidecar: ") && stderr.contains("no-catalog.json"), "{stderr}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_told_and_the_sidecar_waits_to_be_asked_for_again() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let database = data.path().join("knowledge-focus.db");
    let newer = "import sys, sqlite3; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA journal_mode = WAL'); \
                 c.execute('PRAGMA user_version = 9999'); \
                 c.execute('CREATE TABLE t (x)')";
    let mut python = std::process::Command::new(launch(data.path()).program);
    assert!(python.args(["-c", newer]).arg(&database).status().expect("python starts").success());
    let before = std::fs::read(&database).expect("it was made");
    let budget = Budget { failures: 3, within: Duration::from_secs(600), ..Budget::default() };
    let supervisor = Supervisor::start(launch(data.path()), client(), Options::default(), budget);
    let mut state = supervisor.state();
    drop(soon("the refusal", state.wait_for(|state| matches!(state, State::Down { .. }))).await.expect("it runs"));
    // A call is another start, and gets the same answer; three are allowed, of which none was made meanwhile.
    for _ in 0..2 {
        let error =
            soon("the answer", supervisor.call("1".into(), "ping", &json!({}))).await.expect_err("none comes up");
        assert_eq!((&*error.kind, error.retryable), ("database_refused", false));
        assert_eq!(error.details["exitCode"], 65);
        assert!(error.details["stderr"].as_str().is_some_and(|said| !said.is_empty()), "{error:?}");
    }
    assert!(std::fs::read(&database).expect("it is there") == before, "it was changed");
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn a_sidecar_that_never_comes_up_is_reported_with_its_last_lines() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut launch = launch(data.path());
    let code = "import sys; [print('line', n, file=sys.stderr) for n in range(5000)]; sys.exit(3)";
    launch.arguments = ["-c", code].map(Into::into).into();
    let supervisor = Supervisor::start(launch, client(), Options::default(), Budget::default());
    let error = soon("the answer", supervisor.call("1".into(), "ping", &json!({}))).await.expect_err("none comes up");
    assert_eq!((&*error.kind, error.retryable), ("sidecar_unavailable", true));
    assert_eq!(error.details["exitCode"], 3);
    let stderr = error.details["stderr"].as_str().expect("what it said");
    assert!(stderr.starts_with("line 4980\n") && stderr.ends_with("line 4999"), "{stderr}");
}

#[tokio::test]
async fn a_missing_program_is_reported() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut launch = launch(data.path());
    launch.program = data.path().join("no-python");
    let supervisor = Supervisor::start(launch, client(), Options::default(), Budget::default());
    let error = soon("the answer", supervisor.call("1".into(), "ping", &json!({}))).await.expect_err("none comes up");
    assert_eq!(error.kind, "sidecar_unavailable");
}

#[tokio::test]
async fn a_data_folder_in_use_is_named_and_free_again_afterwards() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let first = Supervisor::start(launch(data.path()), client(), Options::default(), Budget::default());
    ready(&first).await;
    let second = Supervisor::start(launch(data.path()), client(), Options::default(), Budget::default());
    let error = soon("the answer", second.call("1".into(), "ping", &json!({}))).await.expect_err("it is in use");
    assert_eq!((&*error.kind, error.retryable), ("data_folder_in_use", true));
    soon("the end", first.shut_down()).await;
    let retried =
        soon("the answer", second.call("2".into(), "ping", &json!({}))).await.expect("a call starts the next");
    soon("the answer", retried.answer()).await.expect("it is served");
    soon("the end", second.shut_down()).await;
}

#[tokio::test]
async fn a_sidecar_that_keeps_dying_is_not_started_for_ever() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let budget = Budget { failures: 2, within: Duration::from_secs(600), ..Budget::default() };
    let supervisor = Supervisor::start(launch(data.path()), client(), Options::default(), budget);
    for _ in 0..2 {
        let sidecar = ready(&supervisor).await;
        kill_process(pid(&sidecar), Signal::KILL).expect("it runs");
        soon("the exit", sidecar.exited()).await;
        drop(sidecar);
        let mut state = supervisor.state();
        let left = |state: &State| !matches!(state, State::Ready(sidecar) if sidecar.pid().is_none());
        drop(soon("the supervisor to notice", state.wait_for(left)).await.expect("the supervisor runs"));
    }
    let mut state = supervisor.state();
    drop(soon("the report", state.wait_for(|state| matches!(state, State::Down { .. }))).await.expect("it runs"));
    let error =
        soon("the answer", supervisor.call("1".into(), "ping", &json!({}))).await.expect_err("the budget is spent");
    assert_eq!(error.kind, "sidecar_unavailable");
    assert!(error.details["retryAfterSeconds"].as_u64() > Some(500), "{error:?}");
}

#[tokio::test]
async fn shutting_down_while_the_sidecar_starts_leaves_no_process() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let supervisor = Supervisor::start(launch(data.path()), client(), Options::default(), Budget::default());
    let log = data.path().join("logs/sidecar-stderr.log");
    let begin = Instant::now();
    // The log is opened just before the process starts.
    while !log.exists() && begin.elapsed() < crate::common::PATIENCE {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    soon("the end", supervisor.shut_down()).await;
    let second = Supervisor::start(launch(data.path()), client(), Options::default(), Budget::default());
    // The lock of the data folder tells: nobody holds it.
    ready(&second).await;
    soon("the end", second.shut_down()).await;
}

#[tokio::test]
async fn after_shutting_down_nothing_is_left_and_calls_say_so() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let supervisor = Supervisor::start(launch(data.path()), client(), Options::default(), Budget::default());
    let pid = pid(&*ready(&supervisor).await);
    soon("the end", supervisor.shut_down()).await;
    assert!(test_kill_process(pid).is_err(), "the process is gone");
    let error = supervisor.call("1".into(), "ping", &json!({})).await.expect_err("it is over");
    assert_eq!(error.kind, "sidecar_unavailable");
}

#[tokio::test]
async fn a_request_waits_until_it_is_known_what_to_run() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let (know, known) = oneshot::channel();
    let supervisor = Supervisor::start(Later(known), client(), Options::default(), Budget::default());
    let params = json!({});
    let mut early = std::pin::pin!(supervisor.call("1".into(), "ping", &params));
    assert!(now(&mut early).await.is_none(), "nothing runs yet");
    know.send(launch(data.path())).expect("it is awaited");
    let call = soon("a sidecar", early).await.expect("one comes up");
    soon("the answer", call.answer()).await.expect("it is served");
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn shutting_down_before_it_is_known_what_to_run_drops_whoever_finds_out() {
    let (know, known) = oneshot::channel::<Launch>();
    let supervisor = Supervisor::start(Later(known), client(), Options::default(), Budget::default());
    soon("the end", supervisor.shut_down()).await;
    assert!(know.is_closed());
}

/// What to run is told by the test.
struct Later(oneshot::Receiver<Launch>);

impl Footing for Later {
    async fn launch(&mut self) -> Launch {
        (&mut self.0).await.expect("it is told")
    }
}

/// One that is broken until it is mended, and counts how often somebody asked for that.
struct Broken {
    broken: Launch,
    sound: Launch,
    asked: Arc<AtomicUsize>,
}

impl Footing for Broken {
    async fn launch(&mut self) -> Launch {
        if self.asked.load(Ordering::SeqCst) == 0 { self.broken.clone() } else { self.sound.clone() }
    }

    fn mend(&mut self) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst) == 0
    }
}

/// A launch that runs `code` instead of the sidecar.
fn instead(mut launch: Launch, code: &str) -> Launch {
    launch.arguments = ["-c", code].map(Into::into).into();
    launch
}

#[tokio::test]
async fn a_sidecar_that_left_before_it_was_ready_is_started_again_if_something_could_be_mended() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let (sound, asked) = (launch(data.path()), Arc::default());
    let broken = instead(sound.clone(), "import no_such_module");
    let footing = Broken { broken, sound, asked: Arc::clone(&asked) };
    let supervisor = Supervisor::start(footing, client(), Options::default(), Budget::default());
    let mut state = supervisor.state();
    let known = soon("a sidecar", state.wait_for(|state| !matches!(state, State::Starting))).await;
    assert!(matches!(&*known.expect("it runs"), State::Ready(_)), "nobody hears that it did not start");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn what_a_sidecar_said_or_somebody_else_did_is_nothing_to_mend_and_nothing_is_mended_twice() {
    for (code, asked_for) in [
        ("import sys; sys.exit(65)", 0),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 0),
        ("import os, signal; os.kill(os.getpid(), signal.SIGBUS)", 2),
        ("raise SystemError", 2),
    ] {
        let data = tempfile::tempdir().expect("a temporary folder");
        let (broken, asked) = (instead(launch(data.path()), code), Arc::default());
        let footing = Broken { sound: broken.clone(), broken, asked: Arc::clone(&asked) };
        let supervisor = Supervisor::start(footing, client(), Options::default(), Budget::default());
        let mut state = supervisor.state();
        drop(soon("the report", state.wait_for(|state| matches!(state, State::Down { .. }))).await.expect("it runs"));
        assert_eq!(asked.load(Ordering::SeqCst), asked_for, "{code}");
        soon("the end", supervisor.shut_down()).await;
    }
}

#[tokio::test]
async fn a_restart_ends_a_sidecar_that_hangs_before_it_was_ready_and_one_that_runs() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let gate = elsewhere.path().join("gate");
    let (sound, hung) = (launch(data.path()), "import sys; open(sys.argv[1], 'w').close(); sys.stdin.buffer.read()");
    let mut broken = instead(sound.clone(), hung);
    broken.arguments.push(gate.clone().into());
    let asked = Arc::new(AtomicUsize::new(0));
    let footing = Broken { broken, sound, asked: Arc::clone(&asked) };
    let supervisor =
        Supervisor::start(footing, client(), Options::default(), Budget { failures: 1, ..Budget::default() });
    let begin = Instant::now();
    while !gate.exists() && begin.elapsed() < crate::common::PATIENCE {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    asked.store(1, Ordering::SeqCst); // the next one is sound
    supervisor.restart();
    let first = pid(&*ready(&supervisor).await);
    supervisor.restart();
    let mut state = supervisor.state();
    let another = |state: &State| matches!(state, State::Ready(sidecar) if sidecar.pid().is_some_and(|pid| pid != first.as_raw_nonzero().get().cast_unsigned()));
    drop(soon("another one", state.wait_for(another)).await.expect("it runs"));
    assert!(test_kill_process(first).is_err(), "the first is gone");
    soon("the end", supervisor.shut_down()).await;
}

#[tokio::test]
async fn what_is_asked_while_a_sidecar_is_ended_for_a_restart_is_for_the_next_one() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let supervisor = Supervisor::start(launch(data.path()), client(), Options::default(), Budget::default());
    let first = pid(&*ready(&supervisor).await);
    // A stopped process takes its time to leave.
    kill_process(first, Signal::STOP).expect("it runs");
    supervisor.restart();
    let mut state = supervisor.state();
    drop(soon("the restart", state.wait_for(|state| matches!(state, State::Starting))).await.expect("it runs"));
    assert!(test_kill_process(first).is_ok(), "it is told before the first one has left");
    let params = json!({});
    let mut call = std::pin::pin!(supervisor.call("1".into(), "ping", &params));
    assert!(now(&mut call).await.is_none(), "there is nobody to ask");
    kill_process(first, Signal::KILL).expect("it runs");
    let call = soon("another one", call).await.expect("one comes up");
    soon("the answer", call.answer()).await.expect("it is served");
    soon("the end", supervisor.shut_down()).await;
}

/// What a future gives without waiting.
async fn now<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    tokio::select! {
        biased;
        value = future => Some(value),
        () = std::future::ready(()) => None,
    }
}
