//! Serves the sidecar's `chat/completions` to OpenAI clients on this computer.
//!
//! | Module | Its one concern |
//! |---|---|
//! | [`listener`] | where it listens: a port of 127.0.0.1, or a Unix socket |
//! | `connection` | one connection: its time limits, and a farewell that the client can read |
//! | [`proxy`] | connections, how many there may be, and the end of all |
//! | [`patience`] | how long a client is waited for |
//! | `gate` | who may ask: the Host header, the bearer token |
//! | [`token`] | that token |
//! | [`origin`] | which web pages may ask |
//! | `routes` | which path is answered by what |
//! | `body` | a request's body: how long, how slow, and how many of them in memory |
//! | `chat` | what of the body the proxy reads, and what it adds |
//! | [`held_up`] | what keeps any sidecar from coming up |
//! | `turn` | how many urgent requests there are at once |
//! | `answer` | one request at the sidecar, from its turn to its end |
//! | `sse` | an answer as server-sent events |
//! | `models` | the list of models |
//! | `error` | everything that can fail, in OpenAI's shape |
//!
//! Nothing here knows of windows, and nothing is kept: what an answer needs lives as long as its connection.

mod answer;
mod body;
mod chat;
mod connection;
mod error;
mod gate;
mod held_up;
mod listener;
mod models;
mod origin;
mod patience;
mod proxy;
mod routes;
mod sse;
mod token;
mod turn;

pub use body::MOST_BYTES as MOST_BODY_BYTES;
pub use held_up::HeldUp;
pub use listener::{DEFAULT_PORT, Listen, ListenError, SOCKET};
pub use origin::{BadOrigin, Origin};
pub use patience::Patience;
pub use proxy::{MOST_CONNECTIONS, Options, Proxy};
pub use token::{BadToken, CurrentToken, Token};
