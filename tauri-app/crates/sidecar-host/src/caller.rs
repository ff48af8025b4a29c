//! A request's way to whichever sidecar is ready.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::call::Call;
use crate::error::RpcError;
use crate::sidecar::Sidecar;

/// Where the sidecar stands.
#[derive(Debug, Clone)]
pub enum State {
    Starting,
    Ready(Arc<Sidecar>),
    /// None runs. A call at or after `retry_at` starts the next one.
    Down {
        error: RpcError,
        retry_at: Instant,
    },
    /// It was told to leave, and has.
    Stopped,
}

/// What a call needs of a [`crate::Supervisor`]. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) state: watch::Receiver<State>,
    /// Asks for the next sidecar while none runs.
    pub(crate) wake: watch::Sender<()>,
}

impl Caller {
    /// See [`crate::Supervisor::call`].
    pub(crate) async fn call(&self, id: String, method: &str, params: &impl Serialize) -> Result<Call, RpcError> {
        let mut state = self.state.clone();
        let mut woke = false;
        loop {
            let seen = state.borrow_and_update().clone();
            match seen {
                State::Ready(sidecar) => match sidecar.call(id.clone(), method, params).await {
                    // It died a moment ago and the keeper is about to notice. Nothing was sent.
                    Err(error) if error.kind == "sidecar_unavailable" => {}
                    result => return result,
                },
                State::Starting => {}
                State::Down { error, retry_at } if woke || Instant::now() < retry_at => return Err(error),
                State::Down { .. } => {
                    woke = true;
                    self.wake.send_replace(());
                }
                State::Stopped => return Err(RpcError::sidecar_unavailable("the app is closing")),
            }
            if state.changed().await.is_err() {
                return Err(RpcError::sidecar_unavailable("the app is closing"));
            }
        }
    }
}
