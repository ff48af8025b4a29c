//! From the first sidecar to the last signal.

use std::io::{self, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use openai_proxy::{DEFAULT_PORT, HeldUp, Listen, ListenError, Options, Origin, Patience, Proxy, SOCKET};
use sidecar_host::{RpcError, State, Supervisor, reason_given};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use crate::token_file::{self, TokenFileError};

/// Where the token is if nobody says where, in the data folder.
const TOKEN: &str = "api.token";
/// How long requests may go on that are under way at the end. To end a sidecar that hangs takes four seconds more, and
/// after five nothing may be left.
const NEARLY_DONE: Duration = Duration::from_millis(500);
/// Lines of uv's that go with its failure.
const LAST_LINES: usize = 20;
/// Exit codes of sysexits: EX_UNAVAILABLE, EX_NOPERM.
const UNAVAILABLE: u8 = 69;
const NO_PERMISSION: u8 = 77;

/// Serve OpenAI clients of this computer, without a window.
///
/// Keys of providers are in the keychain, which is not asked: their models do not answer here.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// Port of 127.0.0.1 to listen at; 0 is one that is free
    #[arg(long, value_name = "N", default_value_t = DEFAULT_PORT)]
    port: u16,

    /// Listen at a Unix socket, `api.sock` in the data folder, instead of a port
    #[arg(long, conflicts_with = "port")]
    socket: bool,

    /// File with the token that clients send; made, for its owner alone, if it is missing [default: `api.token` in the data folder]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// Web pages of this origin may ask, too, as `https://notes.example`; can be said more than once
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<Origin>,
}

/// Why it does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Token(#[from] TokenFileError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// No sidecar came up.
    #[error("{}", told(.0))]
    Sidecar(RpcError),
    /// There is nothing that a sidecar could stand on, and nobody here who could order another attempt.
    #[error("the Python environment cannot be made: {}\n{}", told(.0), way_out(.0))]
    Environment(RpcError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl ServeError {
    /// The process's exit code: the sidecar's own where it said why it left, else those of sysexits.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Token(_) => NO_PERMISSION,
            Self::Sidecar(error) => reason_given(error).unwrap_or(UNAVAILABLE),
            Self::Environment(_) | Self::Listen(_) | Self::Io(_) => UNAVAILABLE,
        }
    }
}

/// Serves what `supervisor` answers until a signal asks it to leave; then no process is left.
///
/// Says on stdout where it listens and where the token is, once both are true. `no_environment` comes to its end when there
/// will be no other sidecar, and says why; until a retry, which here nobody orders, all requests would wait.
///
/// # Errors
/// See [`ServeError`]; no process is left then, either.
pub async fn serve(
    arguments: &Serve,
    data: &Path,
    supervisor: Supervisor,
    no_environment: impl Future<Output = RpcError>,
) -> Result<(), ServeError> {
    let supervisor = Arc::new(supervisor);
    let served = served(arguments, data, &supervisor, pin!(no_environment)).await;
    supervisor.shut_down().await;
    served
}

async fn served(
    arguments: &Serve,
    data: &Path,
    supervisor: &Arc<Supervisor>,
    mut no_environment: Pin<&mut impl Future<Output = RpcError>>,
) -> Result<(), ServeError> {
    let mut signals = Signals::new()?;
    let token_path = arguments.token_file.clone().unwrap_or_else(|| data.join(TOKEN));
    let token = token_file::open(&token_path)?;
    tokio::select! {
        first = first_sidecar(supervisor) => first.map_err(ServeError::Sidecar)?,
        error = &mut no_environment => return Err(ServeError::Environment(error)),
        () = signals.next() => return Ok(()),
    }
    let listen = if arguments.socket { Listen::Socket(data.join(SOCKET)) } else { Listen::Port(arguments.port) };
    let options = Options {
        listen,
        token: token.into(),
        origins: arguments.origins.clone(),
        patience: Patience::default(),
        // This ends then.
        held_up: HeldUp::default(),
    };
    let proxy = Proxy::start(options, Arc::clone(supervisor)).await?;
    let at = match proxy.port() {
        Some(port) => format!("http://127.0.0.1:{port}/v1"),
        None => data.join(SOCKET).display().to_string(),
    };
    writeln!(io::stdout(), "Listening at {at}\nToken in {}", token_path.display())?;
    let ended = tokio::select! {
        error = no_environment => Err(ServeError::Environment(error)),
        () = signals.next() => Ok(()),
    };
    // It ends with this, whoever still asks.
    let _ = timeout(NEARLY_DONE, proxy.stop()).await;
    ended
}

async fn first_sidecar(supervisor: &Supervisor) -> Result<(), RpcError> {
    let mut state = supervisor.state();
    let known = state.wait_for(|state| !matches!(state, State::Starting)).await;
    match known.as_deref() {
        Ok(State::Ready(_)) => Ok(()),
        Ok(State::Down { error, .. }) => Err(error.clone()),
        _ => Err(RpcError::sidecar_unavailable("the program is leaving")),
    }
}

/// What went wrong, and what the sidecar said last, or uv.
fn told(error: &RpcError) -> String {
    let RpcError { message, details, .. } = error;
    if let Some(stderr) = details["stderr"].as_str() {
        return format!("{message}\n{stderr}");
    }
    let lines = details["lines"].as_array().map_or(&[][..], Vec::as_slice);
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    iter::once(&**message).chain(last.iter().filter_map(|line| line.as_str())).collect::<Vec<_>>().join("\n")
}

/// What to do about an environment that cannot be made.
fn way_out(error: &RpcError) -> &'static str {
    match &*error.kind {
        "environment_index_unreachable" | "environment_index_failed" if error.details["interpreter"] == true => {
            "Install Python 3.11 or newer, or name another place that has it in UV_PYTHON_INSTALL_MIRROR, then start this again."
        }
        "environment_no_python" => "Install Python 3.11 or newer, then start this again.",
        "environment_no_network" => {
            "Parts of the app must be fetched once. Connect to the internet, then start this again."
        }
        "environment_index_unreachable" | "environment_index_failed" => {
            "Start this again later, or with the address of another package index in UV_DEFAULT_INDEX."
        }
        "environment_disk_full" => "Free some space, then start this again.",
        _ => "Put right what is said above, then start this again.",
    }
}

/// SIGTERM, SIGINT (Ctrl+C) and SIGHUP (the terminal closed).
struct Signals([Signal; 3]);

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?]))
    }

    async fn next(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
