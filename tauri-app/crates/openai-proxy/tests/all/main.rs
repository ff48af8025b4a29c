//! The proxy before a stand-in for the sidecar, asked over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod bad_input;
mod common;
mod ends;
mod gate;
mod limits;
mod listening;
mod restarts;
