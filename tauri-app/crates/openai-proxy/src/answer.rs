//! One request at the sidecar, from its turn to its end. Dropping it cancels the request.

use std::mem;
use std::pin::Pin;

use serde_json::value::RawValue;
use sidecar_host::{Call, Event, RpcError};
use tokio::sync::OwnedSemaphorePermit;

use crate::chat::{Chat, Members};
use crate::error::ApiError;
use crate::held_up::HeldUp;
use crate::routes::Shared;
use crate::turn::Turn;

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
    stage: Stage,
    held_up: HeldUp,
}

type Beginning = Pin<Box<dyn Future<Output = Result<Call, RpcError>> + Send>>;

enum Stage {
    /// Until it has its turn, which it keeps to its end.
    Waiting(Pin<Box<dyn Future<Output = (Turn, Beginning)> + Send>>),
    Beginning(Turn, Beginning),
    /// The turn is given back with it.
    Answered {
        _turn: Turn,
        call: Call,
    },
    Over,
}

impl Answer {
    /// `held` is the body's room in memory, given back once the sidecar has the request.
    pub(crate) fn new(shared: Shared, chat: Chat, held: Option<OwnedSemaphorePermit>) -> Self {
        let Chat { members, priority, rows, .. } = chat;
        let (turn, held_up) = (shared.turns.take(priority, rows), shared.held_up.clone());
        let beginning = begin(shared, members, held);
        let waiting = async move { (turn.await, beginning) };
        Self { stage: Stage::Waiting(Box::pin(waiting)), held_up }
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
                    self.stage = Stage::Answered { _turn: turn, call: call? };
                }
                Stage::Answered { call, .. } => {
                    let event = tokio::select! {
                        biased;
                        event = call.next() => event,
                        // It is to be put to the next sidecar, and there will be none.
                        error = self.held_up.reason() => Event::Answer(Err(error)),
                    };
                    match event {
                        Event::Notification(notification) => return Ok(Piece::Chunk(notification.params)),
                        Event::Answer(answer) => {
                            self.stage = Stage::Over;
                            return Ok(Piece::Whole(answer?));
                        }
                    }
                }
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

fn begin(shared: Shared, members: Members, held: Option<OwnedSemaphorePermit>) -> Beginning {
    Box::pin(async move {
        let call = shared.call("chat/completions", &members).await;
        drop(held);
        call
    })
}
