//! A sidecar that dies with requests under way.

use std::sync::Arc;

use openai_proxy::{HeldUp, Listen, Patience};
use sidecar_host::{Footing, Launch, RpcError};
use tokio::sync::{Notify, watch};

use crate::common::{PATH, Served, double, soon};

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

/// Nobody knows what to run once these are used up.
struct UsedUp {
    launch: Option<Launch>,
    out: Arc<Notify>,
}

impl Footing for UsedUp {
    async fn launch(&mut self) -> Launch {
        if let Some(launch) = self.launch.take() {
            return launch;
        }
        self.out.notify_one();
        std::future::pending().await
    }
}

#[tokio::test]
async fn where_no_sidecar_will_come_up_nobody_waits_for_one() {
    let (reason, known) = watch::channel(None);
    let folder = tempfile::tempdir().unwrap();
    let listen = |_: &std::path::Path| Listen::Port(0);
    let served = Served::on(
        folder,
        UsedUp { launch: None, out: Arc::default() },
        listen,
        &[],
        Patience::default(),
        HeldUp::by(known),
    )
    .await;
    let mut early = served.connect().await;
    early.send(&served.chat(PATH, "count 1", false)).await;
    reason.send_replace(Some(RpcError::sidecar_unavailable("no disk to make it on")));
    let models = format!("{}\r\n", served.head("GET", "/v1/models"));
    for answer in [early.answer().await, served.ask("count 1").await, served.send(&models).await] {
        assert_eq!((answer.status, &*answer.code()), (503, "sidecar_unavailable"));
        assert!(answer.head.contains("x-should-retry: true"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_request_that_would_be_put_once_more_does_not_wait_for_a_sidecar_that_will_not_come_up() {
    let (reason, known) = watch::channel(None);
    let folder = tempfile::tempdir().unwrap();
    let out = Arc::new(Notify::new());
    let footing = UsedUp { launch: Some(double(folder.path())), out: Arc::clone(&out) };
    let listen = |_: &std::path::Path| Listen::Port(0);
    let served = Served::on(folder, footing, listen, &[], Patience::default(), HeldUp::by(known)).await;
    let mut connection = served.connect().await;
    connection.send(&served.chat(PATH, "die one", false)).await;
    soon("its death", out.notified()).await;
    reason.send_replace(Some(RpcError::sidecar_unavailable("no disk to make it on")));
    let answer = connection.answer().await;
    assert_eq!((answer.status, &*answer.code()), (503, "sidecar_unavailable"));
}
