//! The switch of the localhost proxy: what listens now, and the token that other programs show.

use std::path::PathBuf;
use std::sync::Arc;

use keychain::{Keychain, ProxyToken};
use openai_proxy::{DEFAULT_PORT, HeldUp, Listen, ListenError, Options, Origin, Patience, Proxy, Token};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sidecar_host::{RpcError, Supervisor};
use tokio::sync::Mutex;

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
    pub(crate) fn checked(mut self) -> Result<Self, RpcError> {
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
}

impl Choice {
    /// Whether somebody who may ask by it may not by `other`.
    pub(crate) fn lets_in_more_than(&self, other: &Self) -> bool {
        let more_pages = || self.origins.iter().any(|origin| !other.origins.contains(origin));
        // A port is open to every user of the computer, the socket to this one.
        self.on && (!other.on || !self.socket && other.socket || more_pages())
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
    /// In a word: off, listening, or the kind of error.
    pub(crate) fn state(&self) -> &str {
        match &self.error {
            Some(error) => &error.kind,
            None if self.address.is_some() => "listening",
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
    /// Held for all of a change, while the keychain asks the person, too.
    changing: Mutex<()>,
    /// Held for moments, never while the keychain is waited for: the window looks, and the app leaves, at any time.
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// The app leaves: nothing listens any more.
    left: bool,
    /// What was chosen last, whether or not it could be kept.
    choice: Choice,
    listening: Option<(Proxy, String)>,
    error: Option<RpcError>,
    token: Option<Token>,
    kept: bool,
}

impl LocalhostProxy {
    /// Not listening yet. `choice` is the kept one; `socket` is where it would listen instead of at a port.
    pub(crate) fn new(
        supervisor: Arc<Supervisor>,
        keychain: Keychain,
        socket: PathBuf,
        held_up: HeldUp,
        choice: Choice,
    ) -> Self {
        let held = Mutex::new(Held { choice, ..Held::default() });
        Self { supervisor, keychain, socket, held_up, changing: Mutex::default(), held }
    }

    /// Listens by what was chosen last, or not at all; what listened before ends. The keychain may ask the person first.
    pub(crate) async fn listen(&self) {
        let _alone = self.changing.lock().await;
        self.listen_anew().await;
    }

    /// From now on this is chosen. What listens ends, and nothing does before [`Self::listen`]: that waits for nobody but
    /// requests under way.
    pub(crate) async fn choose(&self, choice: &Choice) {
        self.held.lock().await.choice = choice.clone();
        self.end().await;
    }

    /// Another token takes the place of the one before, which is refused from now on.
    ///
    /// # Errors
    /// `keychain_unavailable`: the one before still holds.
    pub(crate) async fn renew(&self) -> Result<(), RpcError> {
        let _alone = self.changing.lock().await;
        let is_of_this_run = {
            let held = self.held.lock().await;
            held.token.is_some() && !held.kept
        };
        let token = Token::generate();
        let kept = match self.keychain.write(&ProxyToken, &token.expose().into()).await {
            Ok(()) => true,
            // As it could not be read: the new one is for this run, too.
            Err(_) if is_of_this_run => false,
            Err(error) => return Err(error.into()),
        };
        self.hold(token, kept).await;
        self.listen_anew().await;
        Ok(())
    }

    /// What was chosen last, whether or not it could be kept.
    pub(crate) async fn choice(&self) -> Choice {
        self.held.lock().await.choice.clone()
    }

    pub(crate) async fn shown(&self) -> Shown {
        let held = self.held.lock().await;
        let end = |token: &Token| token.expose().chars().rev().take(SHOWN).collect::<Vec<_>>().iter().rev().collect();
        Shown {
            choice: held.choice.clone(),
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

    /// Ends it with the app, whatever is being changed, for good.
    pub(crate) async fn shut_down(&self) {
        self.held.lock().await.left = true;
        self.end().await;
    }

    /// What listens does so no more.
    async fn end(&self) {
        let listening = {
            let mut held = self.held.lock().await;
            held.error = None;
            held.listening.take()
        };
        if let Some((proxy, _)) = listening {
            proxy.stop().await;
        }
    }

    /// While this is under way something else may be chosen: then it is not this that listens.
    async fn listen_anew(&self) {
        self.end().await;
        let choice = self.choice().await;
        if !choice.on {
            return;
        }
        let token = self.ready_token().await;
        let (listen, address) = match choice.socket {
            true => (Listen::Socket(self.socket.clone()), self.socket.display().to_string()),
            false => (Listen::Port(choice.port), format!("http://127.0.0.1:{}/v1", choice.port)),
        };
        // What somebody wrote into the file by hand and is none lets nobody in.
        let origins = choice.origins.iter().filter_map(|text| Origin::parse(text).ok()).collect();
        let (patience, held_up) = (Patience::default(), self.held_up.clone());
        let options = Options { listen, token, origins, patience, held_up };
        let mut held = self.held.lock().await;
        if held.left || held.choice != choice {
            return;
        }
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
    async fn ready_token(&self) -> Token {
        if let Some(token) = self.token().await {
            return token;
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
        self.hold(token.clone(), is_kept).await;
        token
    }

    async fn hold(&self, token: Token, kept: bool) {
        let mut held = self.held.lock().await;
        (held.token, held.kept) = (Some(token), kept);
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
mod tests {
    use super::*;

    fn choice(origins: &[&str]) -> Choice {
        Choice { origins: origins.iter().map(|&origin| origin.to_owned()).collect(), ..Choice::default() }
    }

    #[test]
    fn origins_are_kept_once_and_as_browsers_say_them() {
        let typed = choice(&["HTTPS://Notes.Example/", "https://notes.example", "http://localhost:5173"]);
        assert_eq!(
            typed.checked().expect("they are origins").origins,
            ["https://notes.example", "http://localhost:5173"]
        );
    }

    #[test]
    fn what_somebody_wrote_into_the_file_is_what_the_window_may_send_back() {
        let written = choice(&["HTTPS://Notes.Example/", "no origin", "https://notes.example"]).read();
        assert_eq!(written.origins, ["https://notes.example"]);
        assert_eq!(written.clone().checked().expect("they are origins"), written);
    }

    #[test]
    fn what_is_no_origin_is_refused_by_name_and_so_are_too_many() {
        for text in ["*", "https://*.example", "null", "notes.example", "https://notes.example/page"] {
            let error = choice(&["https://fine.example", text]).checked().expect_err(text);
            assert_eq!((&*error.kind, &error.details["origin"]), ("origin_invalid", &json!(text)));
        }
        let many: Vec<_> = (0..=MOST_ORIGINS).map(|number| format!("https://{number}.example")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(choice(&many).checked().expect_err("too many").kind, "invalid_params");
    }

    #[test]
    fn where_it_cannot_listen_and_what_the_system_says_of_that_reaches_the_window() {
        let denied = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let path = PathBuf::from("/data/api.sock");
        for (error, kind, details) in [
            (ListenError::PortTaken(1), "port_taken", json!({"port": 1})),
            (ListenError::SocketTaken(path.clone()), "port_taken", json!({"path": path})),
            (ListenError::NoSocket(path.clone()), "listen_refused", json!({"path": path})),
            (
                ListenError::PortRefused { port: 1, source: denied() },
                "listen_refused",
                json!({"port": 1, "said": "permission denied"}),
            ),
            (
                ListenError::SocketRefused { path: path.clone(), source: denied() },
                "listen_refused",
                json!({"path": path, "said": "permission denied"}),
            ),
        ] {
            let told = told(&error);
            assert_eq!((&*told.kind, &told.details), (kind, &details));
        }
    }

    #[test]
    fn what_lets_in_fewer_is_told_from_what_lets_in_more() {
        let port = Choice { on: true, ..choice(&["https://a.example"]) };
        let socket = Choice { socket: true, ..port.clone() };
        let off = Choice { on: false, ..port.clone() };
        let none = Choice { origins: Vec::new(), ..port.clone() };
        let more = Choice { on: true, ..choice(&["https://a.example", "https://b.example"]) };
        for (wide, narrow) in [(&port, &socket), (&port, &off), (&socket, &off), (&port, &none), (&more, &port)] {
            assert!(wide.lets_in_more_than(narrow), "{wide:?} {narrow:?}");
            assert!(!narrow.lets_in_more_than(wide), "{narrow:?} {wide:?}");
        }
        assert!(!port.lets_in_more_than(&Choice { port: 1, ..port.clone() }), "another port is no wider");
    }

    #[test]
    fn a_choice_of_a_version_without_origins_is_read() {
        let kept: Choice = serde_json::from_value(json!({"on": true, "port": 1, "socket": false})).expect("a choice");
        assert!(kept.on && kept.origins.is_empty());
    }
}
