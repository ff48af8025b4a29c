//! The handshake with the real sidecar.

use crate::common::{ask, client, launch, soon, start};
use serde_json::json;
use sidecar_host::{Options, Sidecar, StartError};
use tokio::sync::broadcast;

#[tokio::test]
async fn the_sidecar_says_who_it_is_and_serves_requests() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let sidecar =
        Sidecar::spawn(&launch(data.path()), Options::default(), broadcast::Sender::new(16)).expect("python starts");
    let server = soon("the handshake", sidecar.shake_hands(&client())).await.expect("it shakes hands");
    assert_eq!(server.protocol_version, 1);
    assert!(server.methods.iter().any(|method| method == "chat/completions"), "{:?}", server.methods);
    ask(&sidecar, "1", "ping", json!({})).await.expect("it serves");
    sidecar.shut_down().await;
}

#[tokio::test]
async fn a_sidecar_that_leaves_before_the_handshake_tells_its_exit_code() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut launch = launch(data.path());
    launch.arguments.push("--no-such-option".into());
    let sidecar = Sidecar::spawn(&launch, Options::default(), broadcast::Sender::new(16)).expect("python starts");
    let error = soon("the end", sidecar.shake_hands(&client())).await.expect_err("it refuses its arguments");
    assert!(matches!(error, StartError::Exited { exit } if exit.code == Some(64)), "{error:?}");
    assert!(sidecar.stderr().contains("no-such-option"), "its stderr is at hand: {}", sidecar.stderr());
}

/// What lies in its working directory, or in the person's own Python, is none of its modules.
#[tokio::test]
async fn the_sidecar_of_a_checkout_runs_isolated() {
    let data = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(data.path().join("builtin_models")).expect("the disk has room");
    for name in ["asyncio.py", "sidecar.py"] {
        std::fs::write(data.path().join(name), "raise SystemExit(3)").expect("the disk has room");
    }
    let sidecar = start(data.path()).await;
    ask(&sidecar, "1", "ping", json!({})).await.expect("it serves");
    sidecar.shut_down().await;
}
