//! Makes the Python environment that the sidecar runs in: `uv sync --frozen` of the bundled project into the data folder.
//!
//! | Module | Its one concern |
//! |---|---|
//! | [`recipe`] | what an environment is made from, and where it is kept |
//! | [`address`] | a package mirror that a person typed in, checked |
//! | [`uv`] | the command lines of uv, and a cleaned environment for it |
//! | [`proxy`] | proxies with a password, as uv is told of them |
//! | [`guard`] | a child that ends with this process, however this process ends |
//! | [`output`] | what uv says: bytes to plain lines |
//! | [`patience`] | whether anything still happens: a line, or bytes on the disk |
//! | [`failure`] | what went wrong, from what uv said last |
//! | [`network`] | whether this computer has a network at all |
//! | [`stamp`] | the mark of a finished environment: compared first, written last |
//! | [`flush`] | puts what others wrote on the disk, before the mark says that it is there |
//! | [`site`] | makes the bundled sidecar importable in the environment |
//! | [`maker`] | the steps of one attempt: all of these in order |
//! | [`stage`] | the stage as its caller holds it: a stream of events |
//!
//! Only Unix is supported, as in `sidecar-host`.

mod address;
mod failure;
mod flush;
mod guard;
mod maker;
mod network;
mod output;
mod patience;
mod proxy;
mod recipe;
mod site;
mod stage;
mod stamp;
mod uv;

pub use address::{Address, BadAddress};
pub use network::has_route;
pub use recipe::{Mirrors, Recipe};
pub use stage::{Event, Stage, Times, Trust};
