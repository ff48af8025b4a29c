//! The page in a window, as the receiver of a stream.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use sidecar_host::Notification;
use tauri::Webview;
use tauri::ipc::Channel;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Bytes sent to a page before it must have caught up.
const AHEAD_BYTES: usize = 256 * 1024;
/// How long an answer waits for the page to receive the notifications before it.
const PATIENCE: Duration = Duration::from_secs(5);

/// A stream of notifications into a page that never runs far ahead of it.
///
/// A channel takes whatever it is given and keeps it until the page reads. So this asks the page for a sign of life now
/// and then, and waits for it; what comes meanwhile waits in the request's own bounded queue.
pub(crate) struct PageStream {
    webview: Webview,
    channel: Channel<PageEvent>,
    ahead: usize,
}

/// What a channel of the window carries: a notification of the sidecar or of the shell.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum PageEvent {
    Sidecar(Notification),
    Shell { method: &'static str, params: serde_json::Value },
}

impl PageStream {
    pub(crate) fn new(webview: Webview, channel: Channel<PageEvent>) -> Self {
        Self { webview, channel, ahead: 0 }
    }

    /// Sends one event; waits while the page is far behind.
    pub(crate) async fn send(&mut self, event: PageEvent) -> tauri::Result<()> {
        let bytes = match &event {
            PageEvent::Sidecar(notification) => notification.params.get().len(),
            PageEvent::Shell { .. } => 0,
        };
        self.channel.send(event)?;
        self.ahead += bytes;
        if self.ahead > AHEAD_BYTES {
            self.caught_up().await;
        }
        Ok(())
    }

    /// Waits until the page has received what was sent, so that an answer does not overtake it.
    pub(crate) async fn settle(&mut self) {
        if self.ahead > 0 && timeout(PATIENCE, self.caught_up()).await.is_err() {
            tracing::warn!("the page is busy: an answer may overtake the notifications before it");
        }
    }

    /// The page runs scripts one after another: the answer to this one comes after those that deliver messages.
    async fn caught_up(&mut self) {
        let (sender, receiver) = oneshot::channel();
        let sender = Mutex::new(Some(sender));
        let answer = move |_| {
            if let Some(sender) = sender.lock().unwrap_or_else(PoisonError::into_inner).take() {
                let _ = sender.send(());
            }
        };
        // Errors mean that the page is gone; its calls are cancelled elsewhere.
        if self.webview.eval_with_callback("0", answer).is_ok() {
            let _ = receiver.await;
        }
        self.ahead = 0;
    }
}
