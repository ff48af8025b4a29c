//! `knowledge-focus serve`: sidecar and proxy, without a window or a keychain.
//!
//! | Module | Its one concern |
//! |---|---|
//! | [`serve`] | from the first sidecar to the last signal |
//! | [`token_file`] | the token in a file of its owner's |

mod serve;
mod token_file;

pub use serve::{Serve, ServeError, serve};
pub use token_file::{TokenFileError, UNFINISHED_TOKEN};
