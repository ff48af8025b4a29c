//! Whether there is a newer release of the app, and fetching it, when the person asks and at no other time.
//!
//! A release is announced by a small file, `latest.json`, with a minisign signature beside it (`latest.json.minisig`). The
//! signature is checked before anything of the file is read, with the one key that the package came with. The file names what
//! to fetch by size and SHA-256, so that one signature vouches for all of it. Requests say nothing of the app or the person.

mod client;
mod copy;
mod download;
mod failure;
mod place;
mod release;

pub use crate::download::download;
pub use crate::place::Place;
pub use crate::release::{File, Release, newest};
