//! From the first sidecar to the last signal.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use openai_proxy::{DEFAULT_PORT, Listen, ListenError, Options, Origin, Patience, Proxy, SOCKET};
use sidecar_host::{RpcError, State, Supervisor, reason_given};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use crate::token_file::{self, TokenFileError};

/// Where the token is if nobody says where, in the data folder.
const TOKEN: &str = "api.token";
/// How long requests may go on that are under way at the end. To end a sidecar that hangs takes four seconds more, and
/// after five nothing may be left.
const NEARLY_DONE: Duration = Duration::from_millis(500);
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
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl ServeError {
    /// The process's exit code: the sidecar's own where it said why it left, else those of sysexits.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Token(_) => NO_PERMISSION,
            Self::Sidecar(error) => reason_given(error).unwrap_or(UNAVAILABLE),
            Self::Listen(_) | Self::Io(_) => UNAVAILABLE,
        }
    }
}

/// Serves what `supervisor` answers until a signal asks it to leave; then no process is left.
///
/// Says on stdout where it listens and where the token is, once both are true.
///
/// # Errors
/// See [`ServeError`]; no process is left then, either.
pub async fn serve(arguments: &Serve, data: &Path, supervisor: Supervisor) -> Result<(), ServeError> {
    let supervisor = Arc::new(supervisor);
    let served = served(arguments, data, &supervisor).await;
    supervisor.shut_down().await;
    served
}

async fn served(arguments: &Serve, data: &Path, supervisor: &Arc<Supervisor>) -> Result<(), ServeError> {
    let mut signals = Signals::new()?;
    let token_path = arguments.token_file.clone().unwrap_or_else(|| data.join(TOKEN));
    let token = token_file::open(&token_path)?;
    tokio::select! {
        first = first_sidecar(supervisor) => first.map_err(ServeError::Sidecar)?,
        () = signals.next() => return Ok(()),
    }
    let listen = if arguments.socket { Listen::Socket(data.join(SOCKET)) } else { Listen::Port(arguments.port) };
    let options = Options { listen, token, origins: arguments.origins.clone(), patience: Patience::default() };
    let proxy = Proxy::start(options, Arc::clone(supervisor)).await?;
    let at = match proxy.port() {
        Some(port) => format!("http://127.0.0.1:{port}/v1"),
        None => data.join(SOCKET).display().to_string(),
    };
    writeln!(io::stdout(), "Listening at {at}\nToken in {}", token_path.display())?;
    signals.next().await;
    // It ends with this, whoever still asks.
    let _ = timeout(NEARLY_DONE, proxy.stop()).await;
    Ok(())
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

/// What went wrong, and what the sidecar said last.
fn told(error: &RpcError) -> String {
    match error.details["stderr"].as_str() {
        Some(stderr) => format!("{}\n{stderr}", error.message),
        None => error.message.clone(),
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
