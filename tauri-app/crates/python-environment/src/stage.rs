//! The stage as its caller holds it: a stream of events.

use std::path::PathBuf;
use std::time::Duration;

use sidecar_host::RpcError;
use tokio::sync::{mpsc, watch};

use crate::maker::Maker;
use crate::recipe::{Mirrors, Recipe};
use crate::uv::Uv;

/// Events that may wait to be read; then uv waits.
const EVENTS: usize = 256;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Without a line or growth on the disk, until it is called slow.
    pub slow: Duration,
    /// For a server to answer, in whole seconds. uv's own default.
    pub request: Duration,
    /// How often uv asks a server again.
    pub retries: u32,
}

impl Default for Times {
    fn default() -> Self {
        Self { slow: Duration::from_secs(30), request: Duration::from_secs(30), retries: 3 }
    }
}

/// What is believed of what is on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Trust {
    /// An environment that is marked as finished is.
    #[default]
    Stamp,
    /// One that is marked is, if all files that were installed are there in their size; else it is made anew from uv's cache.
    Records,
    /// Files may be damaged however they look, also the cache's, with which an environment shares them, and those of an
    /// interpreter that was fetched: everything is fetched anew.
    Nothing,
}

/// What happens, in this order: `Checking`; if the environment is not there, `Syncing` and any number of `Line`,
/// `Slow` and `GoesOn`; `Ready` or `Failed`, which is the last.
#[derive(Debug)]
pub enum Event {
    Checking,
    Syncing {
        /// Where packages are fetched from; `None` where the app came with them.
        source: Option<String>,
        /// How much it is, where that is known.
        bytes: Option<u64>,
    },
    /// Something uv said, without colours.
    Line(String),
    /// For [`Times::slow`] nothing was heard of it. Comes again only after something was.
    Slow,
    /// It was slow, and now there are more bytes on the disk.
    GoesOn,
    Ready {
        /// The environment's interpreter: `python -I -m sidecar` runs the bundled sidecar.
        python: PathBuf,
    },
    /// Kinds: `environment_no_python`, `environment_no_network`, `environment_index_unreachable`,
    /// `environment_index_failed`, `environment_disk_full`, `environment_failed`, `request_cancelled`. `details.lines`
    /// holds what uv said last, and `details.interpreter` whether it was Python itself that could not be fetched.
    Failed(RpcError),
}

/// An environment being made. Dropping it ends it; whatever is left then, the next one repairs.
#[derive(Debug)]
pub struct Stage {
    events: mpsc::Receiver<Event>,
    cancel: watch::Sender<bool>,
}

impl Stage {
    /// Starts in the background. Only one may run for a target. Must be called within a Tokio runtime.
    pub fn start(recipe: Recipe, mirrors: Mirrors, times: Times) -> Self {
        Self::trusting(Trust::Stamp, recipe, mirrors, times)
    }

    /// As [`Stage::start`], where something may be damaged. From `Syncing` on nothing is left that is not trusted.
    pub fn trusting(trust: Trust, recipe: Recipe, mirrors: Mirrors, times: Times) -> Self {
        let (sender, events) = mpsc::channel(EVENTS);
        let (cancel, cancelled) = watch::channel(false);
        tokio::spawn(Maker::new(Uv { recipe, mirrors, times, trust }, sender, cancelled).run());
        Self { events, cancel }
    }

    /// The next event; `None` after the last one, when nothing of it runs any more. Cancel safe.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Asks it to end; `Failed` still comes, with `request_cancelled`, unless it was finished just before.
    pub fn cancel(&self) {
        self.cancel.send_replace(true);
    }

    /// Ends it, and returns when nothing of it runs any more.
    pub async fn end(mut self) {
        self.cancel();
        while self.next().await.is_some() {}
    }
}
