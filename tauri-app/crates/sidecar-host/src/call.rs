//! One request as its caller holds it, and the queue between the pipe and that caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::value::RawValue;
use tokio::sync::{mpsc, watch};

use crate::again::{Again, Putting};
use crate::error::RpcError;
use crate::transport::Link;
use crate::wire::Notification;

/// What a call yields: any number of notifications, then its answer.
#[derive(Debug)]
pub enum Event {
    Notification(Notification),
    Answer(Result<Box<RawValue>, RpcError>),
}

/// A request that was sent. Dropping it before its answer cancels the request.
#[derive(Debug)]
pub struct Call {
    id: String,
    link: Arc<Link>,
    events: mpsc::UnboundedReceiver<Event>,
    waiting: Arc<AtomicUsize>,
    answered: bool,
    /// Whether its sidecar's stdout has.
    ended: watch::Receiver<bool>,
    /// What is done if the sidecar dies before anything was heard.
    again: Option<Again>,
    putting: Option<Putting>,
    cancelled: AtomicBool,
}

impl Call {
    pub(crate) fn new(id: String, link: Arc<Link>, ended: watch::Receiver<bool>, limit: usize) -> (Self, Feed) {
        let (sender, events) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let feed = Feed { events: sender, waiting: Arc::clone(&waiting), limit };
        let (again, putting, cancelled) = (None, None, AtomicBool::new(false));
        (Self { id, link, events, waiting, answered: false, ended, again, putting, cancelled }, feed)
    }

    /// The same call, put once more should its sidecar die before anything was heard of it.
    pub(crate) fn put_again(mut self, again: Again) -> Self {
        self.again = Some(again);
        self
    }

    /// There is nothing to cancel when this is dropped: it was never sent.
    pub(crate) fn disown(&mut self) {
        self.answered = true;
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Asks the sidecar to stop; the answer still comes, usually `request_cancelled`.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        match &self.putting {
            Some(putting) => putting.take_back(),
            None => self.link.send_cancel(&self.id),
        }
    }

    /// The next notification, or the answer, after which the call is over. Cancel safe.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(putting) = &mut self.putting {
                let put = putting.done().await;
                self.putting = None;
                match put {
                    Ok(call) => self.go_on_as(call),
                    Err(error) => return self.answered(Err(error)),
                }
            }
            match self.events.recv().await {
                Some(Event::Notification(notification)) => {
                    self.waiting.fetch_sub(size(&notification), Ordering::Relaxed);
                    // From here on it would be heard twice.
                    self.again = None;
                    return Event::Notification(notification);
                }
                Some(Event::Answer(answer)) => match (&answer, self.again.take()) {
                    (Err(error), Some(again)) if error.is_of_crash() && !self.cancelled.load(Ordering::Relaxed) => {
                        self.putting = Some(again.put(self.ended.clone()));
                    }
                    _ => return self.answered(answer),
                },
                // The feed answers before it goes, so this is a second call after the answer.
                None => {
                    return Event::Answer(Err(RpcError::lasting("internal_error", "this request was answered before")));
                }
            }
        }
    }

    fn answered(&mut self, answer: Result<Box<RawValue>, RpcError>) -> Event {
        self.answered = true;
        Event::Answer(answer)
    }

    /// Is, from now on, that call of the next sidecar.
    fn go_on_as(&mut self, mut call: Self) {
        std::mem::swap(self, &mut call);
        // Of the one before nothing is left to abandon.
        call.answered = true;
        if call.cancelled.load(Ordering::Relaxed) {
            self.cancel();
        }
    }

    /// The answer, letting the notifications pass.
    pub async fn answer(mut self) -> Result<Box<RawValue>, RpcError> {
        loop {
            if let Event::Answer(answer) = self.next().await {
                return answer;
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.answered {
            self.link.abandon(&self.id);
        }
    }
}

/// The pipe's end of a call's queue. Never blocks: the pipe is always drained.
#[derive(Debug)]
pub(crate) struct Feed {
    events: mpsc::UnboundedSender<Event>,
    /// Bytes of params in the queue.
    waiting: Arc<AtomicUsize>,
    limit: usize,
}

impl Feed {
    /// Queues a notification; `Err` when the queue would pass its limit.
    pub(crate) fn notify(&self, notification: Notification) -> Result<(), RpcError> {
        let bytes = size(&notification);
        if self.waiting.fetch_add(bytes, Ordering::Relaxed) + bytes > self.limit {
            return Err(RpcError::slow_consumer(self.limit));
        }
        // A call that is gone has no use for it; its removal is under way.
        let _ = self.events.send(Event::Notification(notification));
        Ok(())
    }

    /// Queues the answer, whatever the queue's length: answers are never dropped.
    pub(crate) fn answer(self, answer: Result<Box<RawValue>, RpcError>) {
        let _ = self.events.send(Event::Answer(answer));
    }
}

fn size(notification: &Notification) -> usize {
    notification.method.len() + notification.params.get().len()
}
