//! The switch of the localhost proxy: what listens now, and the token that other programs show.

use std::path::PathBuf;
use std::sync::Arc;

use keychain::{Keychain, ProxyToken};
use openai_proxy::{DEFAULT_PORT, Listen, ListenError, Options, Patience, Proxy, Token};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sidecar_host::{RpcError, Supervisor};
use tokio::sync::Mutex;

/// Characters of the token that the window shows, so that the person knows it again.
const SHOWN: usize = 4;

/// What the person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    pub(crate) on: bool,
    pub(crate) port: u16,
    /// A Unix socket in the data folder instead of the port.
    pub(crate) socket: bool,
}

impl Default for Choice {
    fn default() -> Self {
        Self { on: false, port: DEFAULT_PORT, socket: false }
    }
}

/// What the window shows of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    #[serde(flatten)]
    choice: Choice,
    /// Where it listens: an address, or the path of a socket. `None`: it does not.
    address: Option<String>,
    /// Why it does not, though it is on.
    error: Option<RpcError>,
    /// The token's last characters, once there is one.
    token_end: Option<String>,
    /// Whether the token is in the keychain; else it is for this run only.
    token_kept: bool,
}

/// The proxy of this data folder's window.
#[derive(Debug)]
pub(crate) struct LocalhostProxy {
    supervisor: Arc<Supervisor>,
    keychain: Keychain,
    socket: PathBuf,
    /// Held for all of a change.
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    listening: Option<(Proxy, String)>,
    error: Option<RpcError>,
    token: Option<Token>,
    kept: bool,
}

impl LocalhostProxy {
    /// Off. `socket` is where it would listen instead of at a port.
    pub(crate) fn new(supervisor: Arc<Supervisor>, keychain: Keychain, socket: PathBuf) -> Self {
        Self { supervisor, keychain, socket, held: Mutex::default() }
    }

    /// Listens as chosen, or not at all; what listened before ends.
    pub(crate) async fn apply(&self, choice: Choice) {
        let mut held = self.held.lock().await;
        self.listen(&mut held, choice).await;
    }

    /// Another token takes the place of the one before, which is refused from now on.
    ///
    /// # Errors
    /// `keychain_unavailable`: the one before still holds.
    pub(crate) async fn renew(&self, choice: Choice) -> Result<(), RpcError> {
        let mut held = self.held.lock().await;
        let token = Token::generate();
        match self.keychain.write(&ProxyToken, &token.expose().into()).await {
            Ok(()) => held.kept = true,
            Err(error) if held.kept || held.token.is_none() => return Err(error.into()),
            Err(_) => {} // as it could not be read: the new one is for this run, too
        }
        held.token = Some(token);
        self.listen(&mut held, choice).await;
        Ok(())
    }

    pub(crate) async fn shown(&self, choice: Choice) -> Shown {
        let held = self.held.lock().await;
        let end = |token: &Token| token.expose().chars().rev().take(SHOWN).collect::<Vec<_>>().iter().rev().collect();
        Shown {
            choice,
            address: held.listening.as_ref().map(|(_, address)| address.clone()),
            error: held.error.clone(),
            token_end: held.token.as_ref().map(end),
            token_kept: held.kept,
        }
    }

    /// The token, for the clipboard; there is none before the proxy was on in this run.
    pub(crate) async fn token(&self) -> Option<Token> {
        self.held.lock().await.token.clone()
    }

    /// Ends it with the app.
    pub(crate) async fn shut_down(&self) {
        let listening = self.held.lock().await.listening.take();
        if let Some((proxy, _)) = listening {
            proxy.stop().await;
        }
    }

    async fn listen(&self, held: &mut Held, choice: Choice) {
        if let Some((proxy, _)) = held.listening.take() {
            proxy.stop().await;
        }
        held.error = None;
        if !choice.on {
            return;
        }
        let token = self.token_of(held).await;
        let (listen, address) = match choice.socket {
            true => (Listen::Socket(self.socket.clone()), self.socket.display().to_string()),
            false => (Listen::Port(choice.port), format!("http://127.0.0.1:{}/v1", choice.port)),
        };
        let options = Options { listen, token, origins: Vec::new(), patience: Patience::default() };
        match Proxy::start(options, Arc::clone(&self.supervisor)).await {
            Ok(proxy) => {
                tracing::info!(address, "other programs may ask");
                held.listening = Some((proxy, address));
            }
            Err(error) => {
                tracing::warn!(%error, "the localhost proxy does not listen");
                held.error = Some(told(&error));
            }
        }
    }

    /// The token of this run, else the kept one, else a new one: kept, or for this run only if the keychain stays closed.
    async fn token_of(&self, held: &mut Held) -> Token {
        if let Some(token) = &held.token {
            return token.clone();
        }
        let kept = self.keychain.read(&ProxyToken).await;
        let found =
            kept.as_ref().ok().and_then(Option::as_ref).and_then(|text| Token::parse(text.expose_secret()).ok());
        let (token, is_kept) = match (found, kept) {
            (Some(token), _) => (token, true),
            (None, Ok(_)) => {
                let token = Token::generate();
                let written = self.keychain.write(&ProxyToken, &token.expose().into()).await;
                (token, written.is_ok())
            }
            // One may be in there: it is not written over.
            (None, Err(_)) => (Token::generate(), false),
        };
        held.kept = is_kept;
        held.token = Some(token.clone());
        token
    }
}

fn told(error: &ListenError) -> RpcError {
    let details = match error {
        ListenError::PortTaken(port) => json!({"port": port}),
        ListenError::SocketTaken(path) => json!({"path": path}),
        _ => return RpcError::passing("internal_error", error.to_string()),
    };
    RpcError::passing("port_taken", error.to_string()).with_details(details)
}
