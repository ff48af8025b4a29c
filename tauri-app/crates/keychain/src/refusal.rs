//! That nothing is kept any more: what is erased must not come back by somebody who was waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many want nothing to be kept. Clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusals(Arc<AtomicUsize>);

/// As long as there is one, nothing is written into the keychain; what is in it can be removed.
#[derive(Debug)]
#[must_use = "dropping it lets others write again"]
pub struct Refusal(Refusals);

impl Refusals {
    pub(crate) fn begin(&self) -> Refusal {
        self.0.fetch_add(1, Ordering::SeqCst);
        Refusal(self.clone())
    }

    pub(crate) fn are_there(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

impl Refusal {
    /// There is no way back: for as long as the program runs.
    pub fn for_good(self) {
        std::mem::forget(self);
    }
}

impl Drop for Refusal {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
