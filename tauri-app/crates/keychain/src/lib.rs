//! Keys of the providers that the person added: kept in the system's keychain, lent to each sidecar in its turn.
//!
//! | Module | Its one concern |
//! |---|---|
//! | [`secret`] | what can be a key |
//! | [`origin`] | what a key is given for: the scheme, host and port of an address |
//! | [`account`] | the name of an entry: provider, origin, data folder |
//! | `entry` | what has an entry, and what that is called |
//! | [`keychain`] | the system's keychain, on a thread of its own and with a time limit |
//! | [`provider`] | what the sidecar says of its providers |
//! | [`refusal`] | that nothing is kept any more |
//! | [`request`] | what is asked of the sidecar |
//! | [`keys`] | which key is where, and that each sidecar gets them |
//!
//! A key is in no log, error, argument, variable or `Debug` output, and no function here gives it to anybody but the
//! sidecar. Nothing here knows of windows.

mod account;
mod entry;
mod error;
mod keychain;
mod keys;
mod origin;
mod provider;
mod refusal;
mod request;
mod secret;

pub use account::Account;
pub use entry::{Kept, ProxyToken};
pub use error::KeychainError;
pub use keychain::{Keychain, PATIENCE};
pub use keys::Keys;
pub use origin::origin_of;
pub use refusal::Refusal;
