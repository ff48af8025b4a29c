//! One running sidecar: its process, its transport and its handshake.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::call::Call;
use crate::error::RpcError;
use crate::launch::Launch;
use crate::log_file::LogFile;
use crate::process::{Exit, GRACE, Process};
use crate::pulse::Pulse;
use crate::stderr::Tail;
use crate::transport::Transport;
use crate::wire::Notification;
use crate::withheld;

/// The version of the protocol on the pipe that this crate speaks.
const PROTOCOL_VERSION: u32 = 1;

/// Who starts the sidecar, as it is told in the handshake.
#[derive(Debug, Clone, Serialize)]
pub struct Client {
    pub name: String,
    pub version: String,
    /// The person's language, a BCP 47 tag.
    #[serde(skip)]
    pub locale: String,
}

/// Times of one sidecar's life.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How long the handshake may take. A first start compiles Python's bytecode.
    pub handshake: Duration,
    /// How long each rung of the shutdown ladder waits.
    pub grace: Duration,
    pub pulse: Pulse,
}

impl Default for Options {
    fn default() -> Self {
        Self { handshake: Duration::from_secs(90), grace: GRACE, pulse: Pulse::default() }
    }
}

/// What the sidecar says of itself in the handshake.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    pub protocol_version: u32,
    pub data_dir: String,
    pub pid: u32,
    pub methods: Vec<String>,
}

/// Why a sidecar did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the sidecar's program cannot be started: {0}")]
    Spawn(#[from] io::Error),
    #[error("the sidecar left before it was ready ({exit:?})")]
    Exited { exit: Exit },
    #[error("the sidecar refused the handshake: {0}")]
    Refused(RpcError),
    #[error("the sidecar did not answer the handshake in {0:?}")]
    Silent(Duration),
    #[error("the sidecar speaks protocol {0}, not {PROTOCOL_VERSION}")]
    Foreign(u32),
}

/// A running sidecar. Dropping it ends it.
#[derive(Debug)]
pub struct Sidecar {
    transport: Transport,
    options: Options,
    life: Life,
}

impl Sidecar {
    /// Starts the process; [`Sidecar::shake_hands`] comes next. Notifications without a request go to
    /// `notifications`. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`StartError::Spawn`].
    pub fn spawn(
        launch: &Launch,
        options: Options,
        notifications: broadcast::Sender<Notification>,
    ) -> Result<Self, StartError> {
        let log = LogFile::open(&launch.logs, "sidecar-stderr.log")
            .inspect_err(|error| tracing::warn!(%error, "the sidecar's stderr is not kept in a file"))
            .ok();
        let (process, pipes) = Process::spawn(launch)?;
        let (tail, draining) = Tail::follow(pipes.stderr, log);
        let transport = Transport::over(pipes.stdout, pipes.stdin, notifications);
        let life = Life::follow(process, transport.clone(), tail, draining, options.grace);
        Ok(Self { transport, options, life })
    }

    /// The handshake, after which requests are served.
    ///
    /// # Errors
    /// See [`StartError`]; nothing of the process is left then.
    pub async fn shake_hands(&self, client: &Client) -> Result<Server, StartError> {
        let refused = match timeout(self.options.handshake, initialize(&self.transport, client)).await {
            Ok(Ok(server)) if server.protocol_version == PROTOCOL_VERSION => return Ok(server),
            Ok(Ok(server)) => Some(StartError::Foreign(server.protocol_version)),
            // The pipe's own errors mean that the process is gone: its exit says why.
            Ok(Err(error)) if matches!(&*error.kind, "sidecar_restarted" | "sidecar_unavailable") => None,
            Ok(Err(error)) => Some(StartError::Refused(error)),
            Err(_) => Some(StartError::Silent(self.options.handshake)),
        };
        let exit = self.life.end().await;
        Err(refused.unwrap_or(StartError::Exited { exit }))
    }

    /// The process's id, `None` once it is gone.
    pub fn pid(&self) -> Option<u32> {
        self.life.exit.borrow().is_none().then_some(self.life.pid)?
    }

    /// Sends a request; see [`Transport::call`].
    ///
    /// # Errors
    /// As [`Transport::call`].
    pub async fn call(&self, id: String, method: &str, params: &impl Serialize) -> Result<Call, RpcError> {
        self.transport.call(id, method, params).await
    }

    /// The latest lines of its stderr.
    pub fn stderr(&self) -> String {
        self.life.tail.text()
    }

    /// Waits until the process is gone and every request has its answer.
    pub async fn exited(&self) -> Exit {
        self.life.exited().await
    }

    /// Ends the process: closes its stdin, then the ladder.
    pub async fn shut_down(&self) -> Exit {
        self.life.end().await
    }

    /// Ends the process without waiting for anything that it would still do.
    pub async fn kill(&self) -> Exit {
        self.life.order(Order::Die);
        self.exited().await
    }
}

async fn initialize(transport: &Transport, client: &Client) -> Result<Server, RpcError> {
    let proxies: HashMap<_, _> = withheld::proxies().into_iter().collect();
    let params =
        json!({"protocolVersion": PROTOCOL_VERSION, "client": client, "locale": client.locale, "proxies": proxies});
    let answer = transport.call("initialize".into(), "initialize", &params).await?.answer().await?;
    serde_json::from_str(answer.get())
        .map_err(|error| RpcError::lasting("internal_error", format!("the handshake's answer is not one: {error}")))
}

/// What a process is told; what it was told first counts.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    Live,
    Leave,
    Die,
}

/// The task that owns the process, seen from outside. Dropping it ends the process.
#[derive(Debug)]
struct Life {
    pid: Option<u32>,
    order: watch::Sender<Order>,
    exit: watch::Receiver<Option<Exit>>,
    tail: Tail,
}

impl Life {
    fn follow(process: Process, transport: Transport, tail: Tail, draining: JoinHandle<()>, grace: Duration) -> Self {
        let pid = process.pid();
        let (order, ordered) = watch::channel(Order::Live);
        let (exiting, exit) = watch::channel(None);
        tokio::spawn(live(process, transport, draining, ordered, grace, exiting));
        Self { pid, order, exit, tail }
    }

    async fn exited(&self) -> Exit {
        let mut exit = self.exit.clone();
        let exited = exit.wait_for(Option::is_some).await;
        // An error means that the runtime is shutting down; the process is killed with its task.
        exited.ok().and_then(|exit| *exit).unwrap_or(Exit { code: None, signal: None })
    }

    fn order(&self, order: Order) {
        self.order.send_if_modified(|given| {
            let first = *given == Order::Live;
            if first {
                *given = order;
            }
            first
        });
    }

    async fn end(&self) -> Exit {
        self.order(Order::Leave);
        self.exited().await
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.order(Order::Leave);
    }
}

async fn live(
    mut process: Process,
    transport: Transport,
    mut draining: JoinHandle<()>,
    mut ordered: watch::Receiver<Order>,
    grace: Duration,
    exiting: watch::Sender<Option<Exit>>,
) {
    let (left, order) = tokio::select! {
        exit = process.wait() => (Some(exit), Order::Live),
        // A sidecar that closed its stdout serves nobody any more, even if it still runs.
        () = transport.ended() => (None, Order::Leave),
        // Nobody who could give one is left.
        order = ordered.wait_for(|order| *order != Order::Live) => (None, order.map_or(Order::Leave, |order| *order)),
    };
    transport.close();
    let exit = match (left, order) {
        (Some(exit), _) => exit,
        (None, Order::Die) => process.kill().await,
        (None, _) => process.end(grace).await,
    };
    // The whole group is dead, so its pipes end; what was read last is delivered and kept first.
    let pipes = async { tokio::join!(transport.ended(), &mut draining) };
    if timeout(grace, pipes).await.is_err() {
        tracing::error!("somebody outside the sidecar's group holds its stdout or stderr");
        transport.give_up();
        draining.abort();
    }
    exiting.send_replace(Some(exit));
}
