//! The switch of the localhost proxy: what listens now, and the token that other programs show.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use keychain::{Keychain, ProxyToken, Refusal};
use openai_proxy::{CurrentToken, DEFAULT_PORT, HeldUp, Listen, ListenError, Options, Origin, Patience, Proxy, Token};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sidecar_host::{RpcError, Supervisor};
use tokio::sync::{Mutex, MutexGuard, watch};

/// Characters of the token that the window shows, so that the person knows it again.
const SHOWN: usize = 4;

/// Web pages that may ask; more than anybody needs.
const MOST_ORIGINS: usize = 50;

/// What the person chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    pub(crate) on: bool,
    pub(crate) port: u16,
    /// A Unix socket in the data folder instead of the port.
    pub(crate) socket: bool,
    /// Web pages that may ask, as [`Origin`] says them.
    #[serde(default)]
    pub(crate) origins: Vec<String>,
}

impl Default for Choice {
    fn default() -> Self {
        Self { on: false, port: DEFAULT_PORT, socket: false, origins: Vec::new() }
    }
}

impl Choice {
    /// As a file has it that somebody may have written by hand: each origin once, as browsers say it; what is none would
    /// let nobody in.
    pub(crate) fn read(mut self) -> Self {
        self.origins = distinct(self.origins.iter().filter_map(|text| Origin::parse(text).ok()));
        self
    }

    /// As it is kept: each origin once, as browsers say it.
    ///
    /// # Errors
    /// `origin_invalid`, whose `details.origin` is the first that is none; `invalid_params`.
    fn checked(mut self) -> Result<Self, RpcError> {
        if self.port == 0 {
            return Err(RpcError::lasting("invalid_params", "a port is a number from 1 to 65535"));
        }
        let parsed = self.origins.iter().map(|text| {
            Origin::parse(text).map_err(|error| {
                RpcError::lasting("origin_invalid", error.to_string()).with_details(json!({"origin": text}))
            })
        });
        let origins = distinct(parsed.collect::<Result<Vec<_>, _>>()?.into_iter());
        if origins.len() > MOST_ORIGINS {
            return Err(RpcError::lasting("invalid_params", format!("there may be {MOST_ORIGINS} origins")));
        }
        self.origins = origins;
        Ok(self)
    }

    /// In place of `before`: switched off it is otherwise what it was. Off is never asked about, nor refused for what a window
    /// that is a moment behind, or a file written by hand, says beside.
    ///
    /// # Errors
    /// Those of [`Self::checked`].
    pub(crate) fn after(self, before: &Self) -> Result<Self, RpcError> {
        if !self.on && before.on { Ok(Self { on: false, ..before.clone() }) } else { self.checked() }
    }

    /// What stays of `before`: nobody is let in by it who is not let in by both.
    fn within(&self, before: &Self) -> Self {
        let origins = before.origins.iter().filter(|origin| self.origins.contains(origin)).cloned().collect();
        Self { on: self.on && before.on, port: before.port, socket: self.socket || before.socket, origins }
    }
}

/// Each once, in their order.
fn distinct(origins: impl Iterator<Item = Origin>) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for origin in origins {
        if !distinct.iter().any(|other| other == origin.as_str()) {
            distinct.push(origin.to_string());
        }
    }
    distinct
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

impl Shown {
    /// In a word: off, waiting for the keychain, listening, or the kind of error.
    pub(crate) fn state(&self) -> &str {
        match &self.error {
            Some(error) => &error.kind,
            None if self.address.is_some() => "listening",
            None if self.choice.on => "waiting",
            None => "off",
        }
    }
}

/// The proxy of this data folder's window.
#[derive(Debug)]
pub(crate) struct LocalhostProxy {
    supervisor: Arc<Supervisor>,
    keychain: Keychain,
    socket: PathBuf,
    held_up: HeldUp,
    /// What listens goes by it itself: one that is replaced is refused at once, whoever holds what.
    token: CurrentToken,
    /// Held from the look at what was chosen until that is kept and what listened has ended, never while the person or
    /// the keychain is asked: who switches it off does not wait for that.
    changing: Mutex<()>,
    /// Changes so far: of one that waited for the person or the keychain nothing comes if another has come meanwhile.
    changes: watch::Sender<u64>,
    /// Held while the keychain is asked, which may take minutes: two at once would make two tokens.
    asking: Mutex<()>,
    /// Never held while the keychain is asked: closing, leaving and looking do not wait for that.
    held: Mutex<Held>,
}

/// As long as there is this, nobody else changes anything.
pub(crate) type Alone<'a> = MutexGuard<'a, ()>;

#[derive(Debug, Default)]
struct Held {
    listening: Option<(Proxy, String)>,
    error: Option<RpcError>,
    kept: bool,
    /// The app leaves: nothing is opened any more.
    leaving: bool,
}

impl LocalhostProxy {
    /// Off. `socket` is where it would listen instead of at a port.
    pub(crate) fn new(supervisor: Arc<Supervisor>, keychain: Keychain, socket: PathBuf, held_up: HeldUp) -> Self {
        let (token, changes) = (CurrentToken::default(), watch::Sender::default());
        let (changing, asking, held) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { supervisor, keychain, socket, held_up, token, changing, changes, asking, held }
    }

    /// One change at a time: what it means depends on what there was before.
    pub(crate) async fn alone(&self) -> Alone<'_> {
        self.changing.lock().await
    }

    /// Goes on alone once the person `agrees`, who may take their time: others may change something meanwhile, which ends
    /// the question. `None`: they did, or the person does not agree.
    pub(crate) async fn once<'a>(
        &'a self,
        alone: Alone<'a>,
        agrees: impl Future<Output = Result<bool, RpcError>>,
    ) -> Result<Option<Alone<'a>>, RpcError> {
        let mut changes = self.changes.subscribe();
        drop(alone);
        let agreed = tokio::select! {
            agreed = agrees => agreed?,
            _ = changes.changed() => false,
        };
        let alone = self.alone().await;
        Ok((agreed && changes.has_changed().is_ok_and(|changed| !changed)).then_some(alone))
    }

    /// Listens as chosen in place of `before`, once `keep` has kept that. Whoever is let in no more is out before, and stays
    /// out though it cannot be kept; whoever is let in only now is not, then. `keep` is given what holds in that case.
    /// Another change may come while the keychain is asked: then that one counts.
    ///
    /// # Errors
    /// Those of `keep`.
    pub(crate) async fn change(
        &self,
        alone: Alone<'_>,
        before: &Choice,
        choice: &Choice,
        keep: impl FnOnce(&Choice) -> io::Result<()>,
    ) -> io::Result<()> {
        let left = choice.within(before);
        let narrows = left != *before;
        // Off counts though it was off: somebody may be asked whether it shall be on.
        if narrows || !choice.on {
            self.close(&mut *self.held.lock().await).await;
        }
        let kept = keep(&left);
        match kept {
            Ok(()) => self.apply(alone, choice).await,
            Err(_) if narrows => self.apply(alone, &left).await,
            Err(_) => {} // it listens as it did
        }
        kept
    }

    /// Listens as chosen, or not at all; what listened before ends first.
    pub(crate) async fn apply(&self, alone: Alone<'_>, choice: &Choice) {
        let change = self.close(&mut *self.held.lock().await).await;
        drop(alone);
        if !choice.on {
            return;
        }
        self.ensure_token().await;
        let mut held = self.held.lock().await;
        if !held.leaving && *self.changes.borrow() == change {
            self.listen(&mut held, choice).await;
        }
    }

    pub(crate) async fn shown(&self, choice: Choice) -> Shown {
        let held = self.held.lock().await;
        let end = |token: &Token| token.expose().chars().rev().take(SHOWN).collect::<Vec<_>>().iter().rev().collect();
        Shown {
            choice,
            address: held.listening.as_ref().map(|(_, address)| address.clone()),
            error: held.error.clone(),
            token_end: self.token.get().as_ref().map(end),
            token_kept: held.kept,
        }
    }

    /// The token, for the clipboard; there is none before the proxy was on in this run.
    pub(crate) fn token(&self) -> Option<Token> {
        self.token.get()
    }

    /// What the keychain has is erased: nothing is written into it as long as there is what this returns, not even a token
    /// whose renewal waits.
    pub(crate) fn refuse_writes(&self) -> Refusal {
        self.keychain.refuse_writes()
    }

    /// The keychain has the token no more; what there is holds for this run. Whoever found it there before has said so by
    /// then.
    pub(crate) async fn token_was_erased(&self) {
        let _alone = self.asking.lock().await;
        self.held.lock().await.kept = false;
    }

    /// Ends it with the app. A renewal that waits writes nothing any more.
    pub(crate) async fn shut_down(&self) {
        self.refuse_writes().for_good();
        let mut held = self.held.lock().await;
        held.leaving = true;
        self.close(&mut held).await;
    }

    /// Nothing listens any more. Returns the number of the change that begins with that.
    async fn close(&self, held: &mut Held) -> u64 {
        self.changes.send_modify(|changes| *changes += 1);
        let change = *self.changes.borrow();
        if let Some((proxy, _)) = held.listening.take() {
            proxy.stop().await;
        }
        held.error = None;
        change
    }

    async fn listen(&self, held: &mut Held, choice: &Choice) {
        let (listen, address) = match choice.socket {
            true => (Listen::Socket(self.socket.clone()), self.socket.display().to_string()),
            false => (Listen::Port(choice.port), format!("http://127.0.0.1:{}/v1", choice.port)),
        };
        // What somebody wrote into the file by hand and is none lets nobody in.
        let origins = choice.origins.iter().filter_map(|text| Origin::parse(text).ok()).collect();
        let (token, patience, held_up) = (self.token.clone(), Patience::default(), self.held_up.clone());
        let options = Options { listen, token, origins, patience, held_up };
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

    /// Another token takes the place of the one before, which is refused from the moment that this one is kept. What was let
    /// in by it goes on until the next [`Self::apply`].
    ///
    /// # Errors
    /// `keychain_unavailable`: the one before still holds.
    pub(crate) async fn renew_token(&self) -> Result<(), RpcError> {
        let _alone = self.asking.lock().await;
        let token = Token::generate();
        let written = self.keychain.write(&ProxyToken, &token.expose().into()).await;
        match written {
            Ok(()) => {
                // First of all: who holds the rest may be ending what listens, which takes seconds.
                self.token.replace(token);
                self.held.lock().await.kept = true;
            }
            Err(error) if self.held.lock().await.kept || self.token.get().is_none() => return Err(error.into()),
            // As it could not be read: the new one is for this run, too.
            Err(_) => self.token.replace(token),
        }
        Ok(())
    }

    /// Sees to it that there is a token: that of this run, else the kept one, else a new one: kept, or for this run only if the
    /// keychain stays closed.
    async fn ensure_token(&self) {
        let _alone = self.asking.lock().await;
        if self.token.get().is_some() {
            return;
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
        let mut held = self.held.lock().await;
        held.kept = is_kept;
        self.token.replace(token);
    }
}

fn told(error: &ListenError) -> RpcError {
    let taken = RpcError::passing("port_taken", error.to_string());
    let refused = RpcError::lasting("listen_refused", error.to_string());
    match error {
        ListenError::PortTaken(port) => taken.with_details(json!({"port": port})),
        ListenError::SocketTaken(path) => taken.with_details(json!({"path": path})),
        ListenError::NoSocket(path) => refused.with_details(json!({"path": path})),
        ListenError::PortRefused { port, source } => {
            refused.with_details(json!({"port": port, "said": source.to_string()}))
        }
        ListenError::SocketRefused { path, source } => {
            refused.with_details(json!({"path": path, "said": source.to_string()}))
        }
    }
}

#[cfg(test)]
mod tests;
