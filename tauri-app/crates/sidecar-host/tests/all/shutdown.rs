//! Ending the real sidecar.

use std::time::{Duration, Instant};

use crate::common::{launch, soon, start};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sidecar_host::{Exit, GRACE, Options, Sidecar};
use tokio::sync::broadcast;

#[tokio::test]
async fn the_sidecar_leaves_by_itself_when_its_stdin_closes() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let sidecar = start(data.path()).await;
    let pid = sidecar.pid().expect("it runs");
    assert_eq!(soon("the end", sidecar.shut_down()).await, Exit { code: Some(0), signal: None });
    let pid = Pid::from_raw(pid as i32).expect("a pid");
    assert!(test_kill_process(pid).is_err(), "the process is gone");
}

#[tokio::test]
async fn a_sidecar_that_hangs_is_killed_after_both_waits() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let sidecar = start(data.path()).await;
    // A stopped process notices neither the end of its stdin nor SIGTERM.
    kill_process(Pid::from_raw(sidecar.pid().expect("it runs") as i32).expect("a pid"), Signal::STOP).expect("it runs");
    let start = Instant::now();
    assert_eq!(soon("the end", sidecar.shut_down()).await.signal, Some(9));
    assert!(start.elapsed() >= 2 * GRACE);
}

#[tokio::test]
async fn dropping_a_sidecar_ends_it() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let options = Options { grace: Duration::from_millis(500), ..Options::default() };
    let sidecar = Sidecar::spawn(&launch(data.path()), options, broadcast::Sender::new(16)).expect("python starts");
    let pid = Pid::from_raw(sidecar.pid().expect("it runs") as i32).expect("a pid");
    drop(sidecar);
    soon("the end", async {
        while test_kill_process(pid).is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}
