//! Lines on their way to the sidecar's stdin, in order.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::AbortHandle;

use crate::line::MAX_LINE_BYTES;

/// Bytes of requests that may wait for a sidecar that does not read: two of the longest.
const WAITING_BYTES: usize = 2 * MAX_LINE_BYTES;

type Entry = (Vec<u8>, Option<OwnedSemaphorePermit>);

#[derive(Debug)]
pub(crate) struct Outbox {
    lines: Mutex<Option<mpsc::UnboundedSender<Entry>>>,
    room: Arc<Semaphore>,
    writer: AbortHandle,
}

impl Outbox {
    pub(crate) fn over(stream: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let writer = tokio::spawn(write(stream, receiver)).abort_handle();
        Self { lines: Mutex::new(Some(sender)), room: Arc::new(Semaphore::new(WAITING_BYTES)), writer }
    }

    /// Queues a line once there is room for it: a sidecar that does not read makes the caller wait.
    pub(crate) async fn send(&self, line: Vec<u8>) {
        let bytes = u32::try_from(line.len().min(WAITING_BYTES)).unwrap_or(u32::MAX);
        // Never closed, so there is always a permit in the end.
        let permit = Arc::clone(&self.room).acquire_many_owned(bytes).await.ok();
        self.push((line, permit));
    }

    /// Queues a short line without waiting, for senders that must not wait.
    pub(crate) fn send_now(&self, line: Vec<u8>) {
        self.push((line, None));
    }

    fn push(&self, entry: Entry) {
        if let Some(lines) = &*self.lines.lock().unwrap_or_else(PoisonError::into_inner) {
            // Fails after the writer ended, and then the reader's end of file answers the request.
            let _ = lines.send(entry);
        }
    }

    /// Closes the stream at once, whatever still waits: its end is the order to leave.
    pub(crate) fn close(&self) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.writer.abort();
    }
}

async fn write(mut stream: impl AsyncWrite + Unpin, mut lines: mpsc::UnboundedReceiver<Entry>) {
    while let Some((line, permit)) = lines.recv().await {
        if let Err(error) = stream.write_all(&line).await {
            tracing::debug!(%error, "the sidecar reads no more");
            return;
        }
        if let Err(error) = stream.flush().await {
            tracing::debug!(%error, "the sidecar reads no more");
            return;
        }
        drop(permit);
    }
}
