//! The real sidecar of this checkout, over a data folder of the test's own; and a hand-driven peer for what the real
//! one never does.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use sidecar_host::{Checkout, Client, Launch, Notification, Options, RpcError, Sidecar, State, Supervisor, Transport};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::broadcast;
use tokio::time::timeout;

/// Bound of every wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    timeout(PATIENCE, event).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {what}"))
}

pub(crate) fn launch(data: &Path) -> Launch {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Checkout::above(here).expect("the tests run in a checkout").launch(data, None)
}

pub(crate) fn client() -> Client {
    Client { name: "sidecar-host-tests".into(), version: "0".into(), locale: "en".into() }
}

/// A sidecar after its handshake.
pub(crate) async fn start(data: &Path) -> Sidecar {
    let sidecar = Sidecar::spawn(&launch(data), Options::default(), broadcast::Sender::new(16)).expect("python starts");
    soon("the handshake", sidecar.shake_hands(&client())).await.expect("it shakes hands");
    sidecar
}

pub(crate) async fn ask(sidecar: &Sidecar, id: &str, method: &str, params: Value) -> Result<Value, RpcError> {
    let call = sidecar.call(id.into(), method, &params).await?;
    soon(method, call.answer()).await.map(|answer| serde_json::from_str(answer.get()).expect("an answer is JSON"))
}

/// The sidecar that is ready, now or soon.
pub(crate) async fn ready(supervisor: &Supervisor) -> std::sync::Arc<Sidecar> {
    let mut state = supervisor.state();
    let state = soon("a ready sidecar", state.wait_for(|state| matches!(state, State::Ready(_)))).await;
    match &*state.expect("the supervisor runs") {
        State::Ready(sidecar) => std::sync::Arc::clone(sidecar),
        other => panic!("{other:?}"),
    }
}

/// A transport and the other end of its pipes, driven by the test.
pub(crate) struct Peer {
    pub(crate) transport: Transport,
    pub(crate) notifications: broadcast::Receiver<Notification>,
    requests: tokio::io::Lines<BufReader<ReadHalf<DuplexStream>>>,
    answers: WriteHalf<DuplexStream>,
}

impl Peer {
    pub(crate) fn new() -> Self {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (reader, writer) = tokio::io::split(ours);
        let (requests, answers) = tokio::io::split(theirs);
        let (sender, notifications) = broadcast::channel(16);
        let transport = Transport::over(reader, writer, sender);
        Self { transport, notifications, requests: BufReader::new(requests).lines(), answers }
    }

    /// The next line that the transport wrote.
    pub(crate) async fn read(&mut self) -> Value {
        let line = soon("a line", self.requests.next_line()).await.expect("the pipe works").expect("the pipe is open");
        serde_json::from_str(&line).expect("a line is JSON")
    }

    pub(crate) async fn write(&mut self, line: &str) {
        soon("room in the pipe", self.answers.write_all(format!("{line}\n").as_bytes())).await.expect("it is read");
    }

    /// Ends the transport's input, as a sidecar that died.
    pub(crate) async fn hang_up(mut self) {
        self.answers.shutdown().await.expect("the pipe works");
    }
}
