//! A request's body: how long it may be, how long it may take, and how many long ones there may be in memory.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, HttpBody};
use axum::http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use memmap2::MmapMut;
use sidecar_host::RpcError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::ApiError;

const MEBIBYTE: usize = 1024 * 1024;
/// A body's most: some pictures as `data:` URLs. With what is added it fits into one line of the pipe.
pub const MOST_BYTES: usize = 24 * MEBIBYTE;
/// MiB of longer bodies that are read, or wait for their turn, at once. Those below one MiB do not count: connections
/// bound them.
const ROOM: usize = 4 * MOST_BYTES / MEBIBYTE;

/// Room in memory for bodies.
#[derive(Debug)]
pub(crate) struct Room(Arc<Semaphore>);

/// A body that was read whole, and its room, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) bytes: Filled,
    pub(crate) held: Option<OwnedSemaphorePermit>,
}

/// Bytes in memory of their own, of which only what they fill is taken, and which the system gets back at once. An
/// allocator keeps holes of what came in parts, and of long pieces as much as twice the longest it ever had.
#[derive(Debug)]
pub(crate) struct Filled {
    memory: MmapMut,
    length: usize,
}

impl Filled {
    fn up_to(most: usize) -> Result<Self, ApiError> {
        let memory = MmapMut::map_anon(most.max(1));
        Ok(Self { memory: memory.map_err(|error| RpcError::lasting("internal_error", error.to_string()))?, length: 0 })
    }

    async fn read(mut self, mut body: Limited<Body>) -> Result<Self, BoxError> {
        while let Some(frame) = body.frame().await {
            // Trailers say nothing that is read.
            if let Ok(data) = frame?.into_data() {
                let end = self.length + data.len();
                self.memory.get_mut(self.length..end).ok_or("longer than it said")?.copy_from_slice(&data);
                self.length = end;
            }
        }
        Ok(self)
    }
}

impl Deref for Filled {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[..self.length]
    }
}

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM)))
    }
}

impl Room {
    /// Reads the body within `patience`, once there is room for it, which is waited for as long. One that comes in chunks has
    /// the room of the longest meanwhile: if it grew, two could wait for what the other has.
    ///
    /// # Errors
    /// 413 for one that is too long, 503 where no room is given back, 408 for one that is too slow, 400 for one that ends early or is
    /// no HTTP.
    pub(crate) async fn read(&self, body: Body, patience: Duration) -> Result<Whole, ApiError> {
        // Of one that comes in chunks the length is not known.
        let most = body.size_hint().upper().map_or(MOST_BYTES, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if most > MOST_BYTES {
            return Err(too_long());
        }
        // Those that have it may wait for their turn for as long as a person's answer takes.
        let held = timeout(patience, self.take(most)).await.map_err(|_| ApiError::too_many_bodies())?;
        let read = timeout(patience, Filled::up_to(most)?.read(Limited::new(body, MOST_BYTES))).await;
        match read {
            Ok(Ok(bytes)) => {
                // What it does not fill is given back: it may wait for its turn for minutes.
                let held = held.and_then(|mut held| held.split(mebibytes(bytes.len())));
                Ok(Whole { bytes, held })
            }
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
            Ok(Err(_)) => Err(ApiError::of_client(
                StatusCode::BAD_REQUEST,
                "body_broken",
                "the body ends early, or is not what its headers say",
            )),
            Err(_) => {
                Err(ApiError::of_client(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body takes too long to come"))
            }
        }
    }

    async fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let mebibytes = u32::try_from(mebibytes(bytes)).unwrap_or(u32::MAX);
        // Nobody closes it, so that it never fails.
        if mebibytes == 0 { None } else { Arc::clone(&self.0).acquire_many_owned(mebibytes).await.ok() }
    }
}

fn mebibytes(bytes: usize) -> usize {
    bytes / MEBIBYTE
}

fn too_long() -> ApiError {
    ApiError::of_client(StatusCode::PAYLOAD_TOO_LARGE, "body_too_long", "a body is at most 24 MiB long")
}
