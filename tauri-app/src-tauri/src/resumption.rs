//! What a sidecar was answering when it died goes on with the next one.

use std::sync::Arc;

use sidecar_host::Supervisor;
use tokio::sync::watch;

/// Asks each sidecar but the first of this run to go on, once it has the keys of providers: some answer may need one. What
/// an earlier run left unfinished waits for the person. `lent` is how many sidecars have their keys.
pub(crate) async fn follow(supervisor: Arc<Supervisor>, mut lent: watch::Receiver<usize>) {
    while lent.changed().await.is_ok() {
        if *lent.borrow_and_update() == 1 {
            continue;
        }
        if let Err(error) = supervisor.ask("sessions/resume").await {
            tracing::warn!(kind = &*error.kind, "answers that broke off wait for the person");
        }
    }
}
