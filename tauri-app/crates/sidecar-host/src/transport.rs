//! JSON-RPC over two streams: a reader that always drains, a writer that keeps the order.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{broadcast, watch};
use tokio::task::AbortHandle;

use crate::call::Call;
use crate::error::RpcError;
use crate::line::{Line, LineReader, MAX_LINE_BYTES};
use crate::outbox::Outbox;
use crate::pending::{Delivery, Pending};
use crate::wire::{self, Incoming, Notification};

/// Bytes of notifications that may wait for the consumer of one request.
pub const REQUEST_QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// Both directions of the pipe. Clones share it.
#[derive(Debug, Clone)]
pub struct Transport {
    link: Arc<Link>,
    reader: AbortHandle,
    ended: watch::Receiver<bool>,
}

/// What calls and the reader share.
#[derive(Debug)]
pub(crate) struct Link {
    pending: Pending,
    outbox: Outbox,
}

impl Transport {
    /// Starts reading and writing. Notifications that belong to no request go to `notifications`.
    ///
    /// Must be called within a Tokio runtime.
    pub fn over(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
        notifications: broadcast::Sender<Notification>,
    ) -> Self {
        let link = Arc::new(Link { pending: Pending::default(), outbox: Outbox::over(writer) });
        let (ending, ended) = watch::channel(false);
        let shared = Arc::clone(&link);
        let reading = tokio::spawn(async move {
            shared.read(reader, &notifications).await;
            shared.pending.close(&RpcError::sidecar_restarted());
            // Fails only when nobody holds the transport any more.
            let _ = ending.send(true);
        });
        Self { link, reader: reading.abort_handle(), ended }
    }

    /// Sends a request. Waits only while the sidecar does not read what was sent before.
    ///
    /// # Errors
    /// `line_too_long` for params over the cap, `sidecar_unavailable` after the end of the stream,
    /// `invalid_json_rpc` for an id that is under way.
    pub async fn call(&self, id: String, method: &str, params: &impl Serialize) -> Result<Call, RpcError> {
        let line = wire::encode(Some(&id), method, params)
            .map_err(|error| RpcError::lasting("invalid_params", error.to_string()))?;
        let bytes = line.len() - 1; // without its newline
        if bytes > MAX_LINE_BYTES {
            return Err(RpcError::line_too_long(bytes, MAX_LINE_BYTES));
        }
        let (mut call, feed) = Call::new(id.clone(), Arc::clone(&self.link), self.ended.clone(), REQUEST_QUEUE_BYTES);
        if let Err(error) = self.link.pending.insert(&id, feed) {
            // The one that is under way by that id is another one's.
            call.disown();
            return Err(error);
        }
        self.link.outbox.send(line).await;
        Ok(call)
    }

    /// Closes the sidecar's stdin, which orders it to leave. What it still says is read.
    pub fn close(&self) {
        self.link.outbox.close();
    }

    /// Reads no more, and answers every request: a stdout that somebody else holds may never end.
    pub(crate) fn give_up(&self) {
        self.reader.abort();
        self.link.pending.close(&RpcError::sidecar_restarted());
    }

    /// Waits until the sidecar's stdout has ended, or was given up; every request has its answer then.
    pub async fn ended(&self) {
        // An error means that the reader is gone, which is the same.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }
}

impl Link {
    pub(crate) fn send_cancel(&self, id: &str) {
        match wire::encode(None, "$/cancelRequest", &json!({"id": id})) {
            Ok(line) => self.outbox.send_now(line),
            Err(error) => tracing::error!(%error, "a cancel could not be written"),
        }
    }

    /// Forgets a request whose caller left, and tells the sidecar.
    pub(crate) fn abandon(&self, id: &str) {
        if self.pending.remove(id) {
            self.send_cancel(id);
        }
    }

    async fn read(&self, stream: impl AsyncRead + Unpin, notifications: &broadcast::Sender<Notification>) {
        let mut lines = LineReader::new(stream, MAX_LINE_BYTES);
        loop {
            match lines.next().await {
                Ok(Some(Line::Whole(line))) => self.receive(&line, notifications),
                Ok(Some(Line::TooLong(bytes))) => tracing::error!(bytes, "the sidecar sent a line over the cap"),
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(%error, "the sidecar's stdout cannot be read");
                    return;
                }
            }
        }
    }

    fn receive(&self, line: &[u8], notifications: &broadcast::Sender<Notification>) {
        let message = match serde_json::from_slice::<Incoming>(line) {
            Ok(message) => message,
            // The content may be a person's chat: only its shape goes to the log.
            Err(error) => {
                tracing::error!(bytes = line.len(), category = ?error.classify(), "the sidecar sent no JSON-RPC");
                return;
            }
        };
        match message {
            Incoming { method: Some(method), params, .. } => {
                let params = params.unwrap_or_else(|| serde_json::value::RawValue::NULL.to_owned());
                self.dispatch(Notification { method, params }, notifications);
            }
            Incoming { id: Some(id), result: Some(result), .. } => self.deliver(&id, Ok(result)),
            Incoming { id: Some(id), error: Some(error), .. } => self.deliver(&id, Err(error.into())),
            Incoming { error: Some(error), .. } => {
                tracing::error!(code = error.code, message = error.message, "the sidecar refused a line of ours");
            }
            _ => tracing::error!("the sidecar sent a message that is neither answer nor notification"),
        }
    }

    fn deliver(&self, id: &str, answer: Result<Box<serde_json::value::RawValue>, RpcError>) {
        if !self.pending.answer(id, answer) {
            tracing::debug!(id, "an answer nobody waits for, as after a cancel");
        }
    }

    fn dispatch(&self, notification: Notification, notifications: &broadcast::Sender<Notification>) {
        let Some(id) = notification.request_id() else {
            // Fails when nobody listens, which is nobody's loss: state is read after subscribing.
            let _ = notifications.send(notification);
            return;
        };
        if self.pending.notify(&id, notification) == Delivery::Overflowed {
            tracing::warn!(id, "a request was cancelled: its consumer is too slow");
            self.send_cancel(&id);
        }
    }
}
