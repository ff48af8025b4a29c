//! One binary for all tests: each would link the HTTP client anew.
#![expect(clippy::unwrap_used, reason = "tests")]

mod announced;
mod common;
mod fetched;
