//! What keeps any sidecar from coming up until a person mends it.

use sidecar_host::RpcError;
use tokio::sync::watch;

/// Why no sidecar will come up, as long as that is so: requests are answered with it instead of waiting. By default
/// nothing is known that could.
#[derive(Debug, Clone, Default)]
pub struct HeldUp(Option<watch::Receiver<Option<RpcError>>>);

impl HeldUp {
    /// Whatever `reason` says.
    pub fn by(reason: watch::Receiver<Option<RpcError>>) -> Self {
        Self(Some(reason))
    }

    /// Returns as soon as there is a reason. Cancel safe.
    pub async fn reason(&self) -> RpcError {
        if let Some(mut known) = self.0.clone()
            && let Ok(reason) = known.wait_for(Option::is_some).await
            && let Some(error) = &*reason
        {
            return error.clone();
        }
        // Nobody is left who could know one.
        std::future::pending().await
    }
}
