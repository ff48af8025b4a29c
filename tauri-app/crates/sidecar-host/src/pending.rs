//! The requests that wait for their answer.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;

use crate::call::Feed;
use crate::error::RpcError;
use crate::wire::Notification;

/// By request id. Once closed it takes no more.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<Calls>);

#[derive(Debug, Default)]
struct Calls {
    feeds: HashMap<String, Feed>,
    closed: bool,
}

/// Where a notification went.
#[derive(Debug, PartialEq)]
pub(crate) enum Delivery {
    Queued,
    /// Nobody waits for this request any more.
    Unknown,
    /// Its consumer was too slow: the call was answered with `slow_consumer` and forgotten.
    Overflowed,
}

impl Pending {
    /// No code panics while it holds the lock, so a poisoned one is still consistent.
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a request.
    pub(crate) fn insert(&self, id: &str, feed: Feed) -> Result<(), RpcError> {
        let mut calls = self.calls();
        if calls.closed {
            return Err(RpcError::sidecar_unavailable("the pipe to the sidecar is closed"));
        }
        if calls.feeds.contains_key(id) {
            return Err(RpcError::lasting("invalid_json_rpc", "a request with this id is under way"));
        }
        calls.feeds.insert(id.to_owned(), feed);
        Ok(())
    }

    /// Whether the request was waiting.
    pub(crate) fn remove(&self, id: &str) -> bool {
        self.calls().feeds.remove(id).is_some()
    }

    /// Hands the answer to its caller; false when nobody waits for it.
    pub(crate) fn answer(&self, id: &str, answer: Result<Box<RawValue>, RpcError>) -> bool {
        let feed = self.calls().feeds.remove(id);
        feed.map(|feed| feed.answer(answer)).is_some()
    }

    pub(crate) fn notify(&self, id: &str, notification: Notification) -> Delivery {
        let mut calls = self.calls();
        let Some(feed) = calls.feeds.get(id) else { return Delivery::Unknown };
        let Err(overflow) = feed.notify(notification) else { return Delivery::Queued };
        if let Some(feed) = calls.feeds.remove(id) {
            feed.answer(Err(overflow));
        }
        Delivery::Overflowed
    }

    /// Answers every request with `error` and takes no more.
    pub(crate) fn close(&self, error: &RpcError) {
        let mut calls = self.calls();
        calls.closed = true;
        for (_, feed) in calls.feeds.drain() {
            feed.answer(Err(error.clone()));
        }
    }
}
