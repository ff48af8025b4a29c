//! What the sidecar says on stderr.

use std::ffi::OsString;
use std::fs;

use crate::common::{client, launch, soon};
use sidecar_host::{Options, Sidecar};
use tokio::sync::broadcast;

#[tokio::test]
async fn a_flood_on_stderr_blocks_nobody_and_is_kept() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut launch = launch(data.path());
    // Python itself writes it before the sidecar starts: far more than a pipe holds (64 KiB).
    let flood = "import sys; [print('flood', n, 'x' * 1000, file=sys.stderr) for n in range(2000)]; ";
    let code = launch.arguments.iter().position(|argument| argument == "-c").expect("it is told what to run") + 1;
    let mut flooding = OsString::from(flood);
    flooding.push(&launch.arguments[code]);
    launch.arguments[code] = flooding;
    let sidecar = Sidecar::spawn(&launch, Options::default(), broadcast::Sender::new(16)).expect("python starts");
    soon("the handshake", sidecar.shake_hands(&client())).await.expect("it is not blocked");
    assert!(sidecar.stderr().contains("flood 1999 "), "the tail is at hand");
    let log = fs::read_to_string(data.path().join("logs/sidecar-stderr.log")).expect("the log is there");
    assert!(log.contains("flood 0 ") && log.contains("flood 1999 "), "the file has all of it");
    sidecar.shut_down().await;
}
