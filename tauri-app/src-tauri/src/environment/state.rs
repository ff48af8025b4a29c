//! How the stage goes, as the window sees it.

use std::collections::VecDeque;

use python_environment::{Event, Mirrors};
use serde::Serialize;
use sidecar_host::RpcError;

/// Lines that the window can show.
const LINES: usize = 200;

/// Where the stage stands. A window reads it whole: it may have come later, or have been reloaded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    pub(super) state: Name,
    /// Whether this app makes it, and can make it anew; a source checkout's it cannot.
    own: bool,
    /// What uv said last.
    pub(super) lines: VecDeque<String>,
    /// Where packages are fetched from; `None` where nothing is fetched.
    source: Option<String>,
    /// How much it is, where that is known.
    bytes: Option<u64>,
    /// The addresses that this attempt goes by, typed in or set for uv.
    pub(super) mirrors: Mirrors,
    /// Of `failed`.
    pub(super) error: Option<RpcError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Name {
    Checking,
    Syncing,
    /// Nothing was heard of it for a while.
    Slow,
    Ready,
    Failed,
}

impl State {
    pub(super) fn new(state: Name) -> Self {
        let mirrors = Mirrors::default();
        Self { state, own: true, lines: VecDeque::new(), source: None, bytes: None, mirrors, error: None }
    }

    /// A source checkout's, which is there.
    pub(super) fn of_checkout() -> Self {
        Self { own: false, ..Self::new(Name::Ready) }
    }

    /// Whether it had to be made, however far that got.
    pub(super) fn is_begun(&self) -> bool {
        !matches!(self.state, Name::Checking | Name::Ready)
    }

    /// Why no sidecar comes up before somebody orders another attempt.
    pub(super) fn failure(&self) -> Option<RpcError> {
        let error = self.error.as_ref()?;
        Some(RpcError::sidecar_unavailable(format!("the app's Python environment cannot be made: {}", error.message)))
    }

    /// What the window sees after `event`.
    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Checking => *self = Self { mirrors: self.mirrors.clone(), ..Self::new(Name::Checking) },
            Event::Syncing { source, bytes } => {
                (self.state, self.source, self.bytes) = (Name::Syncing, source, bytes);
            }
            Event::Line(line) => {
                if self.lines.len() == LINES {
                    self.lines.pop_front();
                }
                self.lines.push_back(line);
                self.state = Name::Syncing;
            }
            Event::Slow => self.state = Name::Slow,
            Event::GoesOn => self.state = Name::Syncing,
            Event::Ready { .. } => self.state = Name::Ready,
            Event::Failed(error) => {
                self.state = Name::Failed;
                self.error = Some(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_reads_what_happened_whenever_it_comes() {
        let mut state = State::new(Name::Checking);
        state.take(Event::Syncing { source: Some("https://pypi.org/simple".into()), bytes: None });
        for number in 0..300 {
            state.take(Event::Line(format!("line {number}")));
        }
        state.take(Event::Slow);
        assert_eq!((state.state, state.lines.len(), &*state.lines[0]), (Name::Slow, LINES, "line 100"));
        state.take(Event::Line("it goes on".into()));
        assert_eq!(state.state, Name::Syncing);
        state.take(Event::Slow);
        state.take(Event::GoesOn);
        assert_eq!((state.state, &*state.lines[LINES - 1]), (Name::Syncing, "it goes on"));
        state.take(Event::Failed(RpcError::passing("environment_no_network", "none")));
        let seen = serde_json::to_value(&state).expect("it is JSON");
        assert_eq!((&seen["state"], &seen["error"]["kind"]), (&"failed".into(), &"environment_no_network".into()));
        assert_eq!(seen["source"], "https://pypi.org/simple");
        state.take(Event::Checking);
        assert_eq!(state, State::new(Name::Checking), "another attempt begins anew");
    }
}
