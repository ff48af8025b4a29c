//! What the sidecar says on stderr: always drained, so that it never blocks on it.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;

use crate::log_file::LogFile;

/// Bytes of the latest output that are kept at hand.
const TAIL_BYTES: usize = 64 * 1024;

/// The latest output of a sidecar. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail(Arc<Mutex<VecDeque<u8>>>);

impl Tail {
    /// Copies `stream` to `log` and to the tail, by a task that is over when the stream has ended.
    pub(crate) fn follow(
        stream: impl AsyncRead + Send + Unpin + 'static,
        log: Option<LogFile>,
    ) -> (Self, JoinHandle<()>) {
        let tail = Self::default();
        let draining = tokio::spawn(drain(stream, log, tail.clone()));
        (tail, draining)
    }

    /// The latest whole lines.
    pub(crate) fn text(&self) -> String {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = bytes.make_contiguous();
        let cut = bytes.len() == TAIL_BYTES;
        let start = if cut { memchr::memchr(b'\n', bytes).map_or(0, |newline| newline + 1) } else { 0 };
        String::from_utf8_lossy(&bytes[start..]).into_owned()
    }

    fn push(&self, chunk: &[u8]) {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let chunk = &chunk[chunk.len().saturating_sub(TAIL_BYTES)..];
        let surplus = (bytes.len() + chunk.len()).saturating_sub(TAIL_BYTES);
        bytes.drain(..surplus);
        bytes.extend(chunk);
    }
}

async fn drain(mut stream: impl AsyncRead + Unpin, mut log: Option<LogFile>, tail: Tail) {
    let mut chunk = vec![0; 16 * 1024];
    loop {
        match stream.read(&mut chunk).await {
            Ok(0) => return,
            Ok(length) => {
                tail.push(&chunk[..length]);
                // A full disk must not stop the draining; without the file the tail is left.
                if log.as_mut().is_some_and(|log| log.write_all(&chunk[..length]).is_err()) {
                    log = None;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the sidecar's stderr cannot be read");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_latest_whole_lines() {
        let tail = Tail::default();
        for number in 0..20_000 {
            tail.push(format!("line {number}\n").as_bytes());
        }
        let text = tail.text();
        assert!(text.len() <= TAIL_BYTES);
        assert!(text.starts_with("line ") && text.ends_with("\nline 19999\n"));
    }
}
