//! What a sidecar stands on: what to run, found out before each start, and what can be mended of it.

use crate::launch::Launch;

/// Says what to run. A [`Launch`] is one that never changes.
pub trait Footing: Send + 'static {
    /// What to run next; asked before each start, while calls wait. Dropped when the supervisor is shut down before.
    fn launch(&mut self) -> impl Future<Output = Launch> + Send;

    /// A sidecar left before it was ready, and did not say why. Whether the next [`Footing::launch`] may put something
    /// right, so that another start is worth it at once.
    fn mend(&mut self) -> bool {
        false
    }
}

impl Footing for Launch {
    async fn launch(&mut self) -> Launch {
        self.clone()
    }
}
