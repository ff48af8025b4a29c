//! How long a client is waited for.

use std::time::Duration;

/// Times that a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a request's head, and for the next request on a connection. Clients' pools let go of theirs earlier.
    pub head: Duration,
    /// For a body, from its first byte to its last; before, as long again for room for a long one.
    pub body: Duration,
    /// Between two readings of what it is sent.
    pub reading: Duration,
    /// A stream without a chunk says after so long that it lives: a request may wait for its turn for minutes.
    pub pulse: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(15),
            body: Duration::from_secs(60),
            reading: Duration::from_secs(30),
            pulse: Duration::from_secs(10),
        }
    }
}
