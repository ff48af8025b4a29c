//! How many urgent requests of other programs are at the sidecar at once.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;

/// Rows that urgent requests of other programs may take together: each makes the person's own steps longer.
pub(crate) const MOST_URGENT_ROWS: u32 = 2;

/// Who waits for the answer, as the sidecar's `RequestPriority`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Priority {
    /// A person.
    High,
    /// Nobody.
    Low,
}

impl Priority {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        match text {
            "1" => Ok(Self::High),
            "10" => Ok(Self::Low),
            _ => Err(ApiError::of_member("priority", "priority is 1 (a person waits) or 10 (it can wait)")),
        }
    }

    pub(crate) fn number(self) -> u32 {
        match self {
            Self::High => 1,
            Self::Low => 10,
        }
    }
}

/// Gives urgent requests their turn, in the order they came.
#[derive(Debug)]
pub(crate) struct Turns(Arc<Semaphore>);

/// A turn; over when it is dropped.
pub(crate) type Turn = Option<OwnedSemaphorePermit>;

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST_URGENT_ROWS as usize)))
    }
}

impl Turns {
    /// Waits for a turn of that many rows. Those that can wait have theirs at once: the sidecar orders them.
    pub(crate) fn take(&self, priority: Priority, rows: u32) -> impl Future<Output = Turn> + Send + 'static {
        let places = Arc::clone(&self.0);
        async move {
            match priority {
                // Nobody closes it, so that it never fails.
                Priority::High => places.acquire_many_owned(rows).await.ok(),
                Priority::Low => None,
            }
        }
    }
}

/// How many rows a request takes, one for each choice.
///
/// # Errors
/// An urgent one that would take more than there are for all.
pub(crate) fn rows(priority: Priority, n: Option<&RawValue>) -> Result<u32, ApiError> {
    // What is no number the sidecar refuses by name.
    let rows = n.and_then(|n| n.get().parse().ok()).unwrap_or(1_u32).max(1);
    if priority == Priority::High && rows > MOST_URGENT_ROWS {
        return Err(ApiError::of_member("n", "with priority 1, n is at most 2"));
    }
    Ok(rows)
}
