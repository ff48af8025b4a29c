//! Starts the Python sidecar, talks JSON-RPC with it over its pipes, and ends it.
//!
//! | Module | Its one concern |
//! |---|---|
//! | [`launch`] | what to run: program, arguments, folder, cleaned environment |
//! | `system_proxy` | the proxy of the system's settings, in that environment |
//! | [`footing`] | what a sidecar stands on: what to run, found out before each start, and what can be mended of it |
//! | [`process`] | a process group: spawn, wait, the shutdown ladder |
//! | [`line`] | bytes to lines, with a cap |
//! | [`transport`] | requests, answers and notifications over two streams |
//! | [`call`] | one request as its caller holds it |
//! | [`stderr`] | what the sidecar says on stderr: always drained, kept in a ring and a file |
//! | [`sidecar`] | one running sidecar: process + transport + handshake |
//! | [`supervisor`] | one sidecar after another: starts a new one when one dies |
//!
//! Nothing here knows of windows. Only Unix is supported: process groups and signals are the means.

mod call;
mod error;
mod footing;
mod launch;
mod line;
mod log_file;
mod outbox;
mod pending;
mod process;
mod sidecar;
mod stderr;
mod supervisor;
mod system_proxy;
mod transport;
mod wire;

pub use call::{Call, Event};
pub use error::RpcError;
pub use footing::Footing;
pub use launch::{Checkout, Launch, inherited_environment};
pub use line::MAX_LINE_BYTES;
pub use log_file::LogFile;
pub use process::{Exit, GRACE, Pipes, Process};
pub use sidecar::{Client, Options, Server, Sidecar, StartError};
pub use supervisor::{Budget, State, Supervisor};
pub use transport::{REQUEST_QUEUE_BYTES, Transport};
pub use wire::Notification;
