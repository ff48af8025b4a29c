//! Whether a sidecar still answers: one that hangs does not leave by itself.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::{Receiver, error::TryRecvError};
use tokio::time::sleep;
use uuid::Uuid;

use crate::sidecar::Sidecar;
use crate::wire::Notification;

/// How often a sidecar is asked for a sign of life, and how long one is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Pulse {
    /// Between an answer and the next question.
    pub every: Duration,
    pub patience: Duration,
    /// The patience while a model is loaded, which may hold up everything beside it.
    pub while_loading: Duration,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(2),
            patience: Duration::from_secs(10),
            // As long as the engine gives one of its own computations.
            while_loading: Duration::from_secs(120),
        }
    }
}

/// The patience is counted in so many looks, and one that comes late counts as one: a computer that slept, or an app
/// that was held up itself, has not waited in that time.
const LOOKS: u32 = 10;

impl Pulse {
    /// Returns when `sidecar` did not answer for too long. `told` is all that it says from its start on.
    pub(crate) async fn lost(self, sidecar: &Sidecar, told: Receiver<Notification>) {
        let mut loading = Loading { told, now: false };
        let look = self.patience / LOOKS;
        loop {
            sleep(self.every).await;
            let ping = async {
                // Whatever it answers: that is a sign of life. The end of the pipe is another one's business. By an id that
                // no page can have taken: what it asks goes by its own ids through the same pipe.
                if let Ok(call) = sidecar.call(Uuid::new_v4().to_string(), "ping", &json!({})).await {
                    let _ = call.answer().await;
                }
            };
            tokio::pin!(ping);
            let mut waited = Duration::ZERO;
            loop {
                tokio::select! {
                    biased;
                    () = &mut ping => break,
                    () = sleep(look) => waited += look,
                }
                if waited >= if loading.is_so() { self.while_loading } else { self.patience } {
                    return;
                }
            }
            // Before the sidecar says more than `told` holds.
            loading.is_so();
        }
    }
}

/// Whether the sidecar said last that it is loading a model.
struct Loading {
    told: Receiver<Notification>,
    now: bool,
}

impl Loading {
    fn is_so(&mut self) -> bool {
        #[derive(Deserialize)]
        struct Status {
            loading: bool,
        }
        loop {
            match self.told.try_recv() {
                Ok(Notification { method, params }) if method == "engine/status" => {
                    self.now = serde_json::from_str::<Status>(params.get()).is_ok_and(|status| status.loading);
                }
                Ok(_) | Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return self.now,
            }
        }
    }
}
