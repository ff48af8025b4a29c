//! One request at the sidecar, from its turn to its end. Dropping it cancels the request.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::value::RawValue;
use sidecar_host::{Call, Event, RpcError};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use crate::chat::{Chat, Members};
use crate::error::ApiError;
use crate::routes::Shared;
use crate::turn::{Priority, Turn};

/// Bytes of a request that is kept while it is answered, to put it once more. Longer ones are their client's to repeat.
const MOST_KEPT_BYTES: usize = 2 * 1024 * 1024;

/// What comes of a request.
#[derive(Debug)]
pub(crate) enum Piece {
    /// A chunk of the answer, as the sidecar notified it.
    Chunk(Box<RawValue>),
    /// The whole answer; nothing comes after it.
    Whole(Box<RawValue>),
}

/// A request that waits for its turn or is being answered.
pub(crate) struct Answer {
    shared: Shared,
    stage: Stage,
    /// What to put again if the sidecar dies before the first piece; a request that nobody sits and waits for.
    again: Option<Arc<Members>>,
}

type Beginning = Pin<Box<dyn Future<Output = Result<Call, RpcError>> + Send>>;

enum Stage {
    /// Until it has its turn and is with the sidecar. `Turn` is kept beside: it is the same for the second attempt.
    Waiting(Pin<Box<dyn Future<Output = (Turn, Beginning)> + Send>>),
    Beginning(Turn, Beginning),
    Answered(Turn, Call),
    Over,
}

impl Answer {
    /// `held` is the body's room in memory, given back once the sidecar has the request.
    pub(crate) fn new(shared: Shared, chat: Chat, held: Option<OwnedSemaphorePermit>) -> Self {
        let Chat { members, priority, rows, .. } = chat;
        let members = Arc::new(members);
        let bytes: usize = members.values().map(|raw| raw.get().len()).sum();
        let again = (priority == Priority::Low && bytes <= MOST_KEPT_BYTES).then(|| Arc::clone(&members));
        let turn = shared.turns.take(priority, rows);
        let beginning = begin(Arc::clone(&shared), members, held);
        let waiting = async move { (turn.await, beginning) };
        Self { shared, stage: Stage::Waiting(Box::pin(waiting)), again }
    }

    /// The next piece. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Piece, ApiError> {
        loop {
            match &mut self.stage {
                Stage::Waiting(waiting) => {
                    let (turn, beginning) = waiting.await;
                    self.stage = Stage::Beginning(turn, beginning);
                }
                Stage::Beginning(turn, beginning) => {
                    let call = beginning.await;
                    let turn = mem::take(turn);
                    self.stage = Stage::Over;
                    self.stage = Stage::Answered(turn, call?);
                }
                Stage::Answered(turn, call) => match call.next().await {
                    Event::Notification(notification) => {
                        self.again = None;
                        return Ok(Piece::Chunk(notification.params));
                    }
                    Event::Answer(Err(error)) if error.kind == "sidecar_restarted" && self.again.is_some() => {
                        let turn = mem::take(turn);
                        if let Some(members) = self.again.take() {
                            self.stage = Stage::Beginning(turn, begin(Arc::clone(&self.shared), members, None));
                        }
                    }
                    Event::Answer(answer) => {
                        self.stage = Stage::Over;
                        return Ok(Piece::Whole(answer?));
                    }
                },
                Stage::Over => {
                    return Err(RpcError::lasting("internal_error", "this request was answered before").into());
                }
            }
        }
    }

    /// The whole answer.
    pub(crate) async fn whole(mut self) -> Result<Box<RawValue>, ApiError> {
        loop {
            if let Piece::Whole(answer) = self.next().await? {
                return Ok(answer);
            }
        }
    }
}

fn begin(shared: Shared, members: Arc<Members>, held: Option<OwnedSemaphorePermit>) -> Beginning {
    Box::pin(async move {
        let call = shared.supervisor.call(Uuid::new_v4().to_string(), "chat/completions", &*members).await;
        drop(held);
        call
    })
}
