//! Starts the Python sidecar, talks JSON-RPC with it over its pipes, and ends it.
//!
//! | Module | Its one concern |
//! |---|---|
//! | [`launch`] | what to run: program, arguments, folder, cleaned environment |
//! | `system_proxy` | the proxy of the system's settings, in that environment |
//! | [`withheld`] | proxies with a password, which are in no environment |
//! | [`footing`] | what a sidecar stands on: what to run, found out before each start, and what can be mended of it |
//! | [`process`] | a process group: spawn, wait, the shutdown ladder |
//! | [`line`] | bytes to lines, with a cap |
//! | [`transport`] | requests, answers and notifications over two streams |
//! | [`call`] | one request as its caller holds it |
//! | [`exit_code`] | what a sidecar says by its exit code |
//! | [`stderr`] | what the sidecar says on stderr: always drained, kept in a ring and a file |
//! | [`sidecar`] | one running sidecar: process + transport + handshake |
//! | `pulse` | whether a sidecar still answers |
//! | [`supervisor`] | one sidecar after another: starts a new one when one dies or hangs |
//! | `budget` | how often it may fail before none is started by itself |
//! | `caller` | a request's way to whichever sidecar is ready |
//! | `again` | background requests, put again after a crash |
//!
//! Nothing here knows of windows. Only Unix is supported: process groups and signals are the means.

mod again;
mod budget;
mod call;
mod caller;
mod error;
mod exit_code;
mod footing;
mod launch;
mod line;
mod log_file;
mod outbox;
mod pending;
mod process;
mod pulse;
mod sidecar;
mod stderr;
mod supervisor;
mod system_proxy;
mod transport;
mod wire;
pub mod withheld;

pub use budget::Budget;
pub use call::{Call, Event};
pub use caller::State;
pub use error::RpcError;
pub use exit_code::reason_given;
pub use footing::Footing;
pub use launch::{Checkout, Launch, inherited_environment};
pub use line::MAX_LINE_BYTES;
pub use log_file::LogFile;
pub use process::{Exit, GRACE, Pipes, Process};
pub use pulse::Pulse;
pub use sidecar::{Client, Options, Server, Sidecar, StartError};
pub use supervisor::Supervisor;
pub use transport::{REQUEST_QUEUE_BYTES, Transport};
pub use wire::Notification;
