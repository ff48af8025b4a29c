//! One sidecar after another: when one dies, the next is started at once, within a budget.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use crate::call::Call;
use crate::error::RpcError;
use crate::footing::Footing;
use crate::launch::Launch;
use crate::sidecar::{Client, Options, Sidecar, StartError};
use crate::wire::Notification;

/// Notifications a subscriber may lag behind before it loses the oldest.
const NOTIFICATIONS: usize = 1024;

/// The sidecar's exit code for "what I was given cannot be used".
const BAD_ARGUMENTS: i32 = 64;
/// The sidecar's exit code for "what is kept cannot be used": a newer version's database, or a damaged one.
const DATABASE_REFUSED: i32 = 65;
/// The sidecar's exit code for "this data folder is in use".
const DATA_FOLDER_IN_USE: i32 = 75;

/// Lines of stderr that go with the error of a sidecar that did not start.
const LAST_LINES: usize = 20;

/// How many starts are allowed within a time; one more has to wait.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    pub starts: usize,
    pub within: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { starts: 5, within: Duration::from_secs(60) }
    }
}

/// Where the sidecar stands.
#[derive(Debug, Clone)]
pub enum State {
    Starting,
    Ready(Arc<Sidecar>),
    /// None runs. A call at or after `retry_at` starts the next one.
    Down {
        error: RpcError,
        retry_at: Instant,
    },
    /// It was told to leave, and has.
    Stopped,
}

/// Keeps a sidecar running until [`Supervisor::shut_down`].
#[derive(Debug)]
pub struct Supervisor {
    state: watch::Receiver<State>,
    notifications: broadcast::Sender<Notification>,
    wake: watch::Sender<()>,
    restart: watch::Sender<()>,
    stop: watch::Sender<bool>,
}

impl Supervisor {
    /// Starts the first sidecar in the background, once `footing` knows what to run; until then calls wait. Must be
    /// called within a Tokio runtime.
    pub fn start(footing: impl Footing, client: Client, options: Options, budget: Budget) -> Self {
        let (state, state_seen) = watch::channel(State::Starting);
        let (wake, woken) = watch::channel(());
        let (restart, restarted) = watch::channel(());
        let (stop, stopped) = watch::channel(false);
        let notifications = broadcast::Sender::new(NOTIFICATIONS);
        let keeper = Keeper {
            client,
            options,
            starts: Starts { budget, times: VecDeque::new() },
            notifications: notifications.clone(),
            state,
            woken,
            restarted,
            stopped,
        };
        tokio::spawn(keeper.run(footing));
        Self { state: state_seen, notifications, wake, restart, stop }
    }

    /// Sends a request, once a sidecar is ready. While none runs and the budget allows, this starts one.
    ///
    /// # Errors
    /// `sidecar_unavailable` or `data_folder_in_use` when none comes up; else as [`crate::Transport::call`].
    pub async fn call(&self, id: String, method: &str, params: &impl Serialize) -> Result<Call, RpcError> {
        let mut state = self.state.clone();
        let mut woke = false;
        loop {
            let seen = state.borrow_and_update().clone();
            match seen {
                State::Ready(sidecar) => match sidecar.call(id.clone(), method, params).await {
                    // It died a moment ago and the keeper is about to notice. Nothing was sent.
                    Err(error) if error.kind == "sidecar_unavailable" => {}
                    result => return result,
                },
                State::Starting => {}
                State::Down { error, retry_at } if woke || Instant::now() < retry_at => return Err(error),
                State::Down { .. } => {
                    woke = true;
                    self.wake.send_replace(());
                }
                State::Stopped => return Err(RpcError::sidecar_unavailable("the app is closing")),
            }
            if state.changed().await.is_err() {
                return Err(RpcError::sidecar_unavailable("the app is closing"));
            }
        }
    }

    /// The notifications of this and every later sidecar that belong to no request.
    pub fn subscribe(&self) -> broadcast::Receiver<Notification> {
        self.notifications.subscribe()
    }

    /// Where the sidecar stands, now and from now on.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Ends the sidecar, if one runs, and starts another; whoever asked for it has waited enough for the budget.
    pub fn restart(&self) {
        self.restart.send_replace(());
    }

    /// Ends the sidecar for good, and returns when its process group is gone.
    pub async fn shut_down(&self) {
        self.stop.send_replace(true);
        let _ = self.state.clone().wait_for(|state| matches!(state, State::Stopped)).await;
    }
}

/// The task behind a [`Supervisor`].
struct Keeper {
    client: Client,
    options: Options,
    starts: Starts,
    notifications: broadcast::Sender<Notification>,
    state: watch::Sender<State>,
    woken: watch::Receiver<()>,
    restarted: watch::Receiver<()>,
    stopped: watch::Receiver<bool>,
}

impl Keeper {
    async fn run(mut self, mut footing: impl Footing) {
        let mut stopped = self.stopped.clone();
        let stopping = async move {
            // An error means that the supervisor was dropped, which ends the sidecar too.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        tokio::pin!(stopping);
        let mut sidecar = None;
        tokio::select! {
            () = &mut stopping => {}
            () = self.keep(&mut footing, &mut sidecar) => {}
        }
        if let Some(sidecar) = sidecar {
            sidecar.shut_down().await;
        }
        self.state.send_replace(State::Stopped);
    }

    /// Never returns; `current` is the sidecar that was started last.
    async fn keep(&mut self, footing: &mut impl Footing, current: &mut Option<Arc<Sidecar>>) {
        loop {
            if let Err(retry_at) = self.starts.take(Instant::now()) {
                self.wait_down(RpcError::sidecar_unavailable("the sidecar keeps failing"), retry_at).await;
                continue;
            }
            self.state.send_replace(State::Starting);
            let launch = footing.launch().await;
            tracing::info!("starting the sidecar");
            let Err((error, stderr)) = self.serve(&launch, current).await else { continue };
            tracing::error!(%error, "the sidecar did not start");
            if !(may_be_mended(&error) && footing.mend()) {
                self.wait_down(unavailable(&error, &stderr), self.starts.next(Instant::now())).await;
            }
        }
    }

    /// Starts one sidecar and returns when it has ended. Fails with what it said on stderr if it did not come up.
    async fn serve(&mut self, launch: &Launch, current: &mut Option<Arc<Sidecar>>) -> Result<(), (StartError, String)> {
        self.restarted.mark_unchanged();
        let sidecar =
            Sidecar::spawn(launch, self.options, self.notifications.clone()).map_err(|error| (error, String::new()))?;
        let sidecar = Arc::clone(current.insert(Arc::new(sidecar)));
        let mut restarted = self.restarted.clone();
        tokio::select! {
            served = self.attend(&sidecar) => served.map_err(|error| (error, sidecar.stderr()))?,
            Ok(()) = restarted.changed() => {
                tracing::info!("the sidecar is ended, and another one started");
                sidecar.shut_down().await;
                self.starts.forget();
            }
        }
        Ok(())
    }

    async fn attend(&self, sidecar: &Arc<Sidecar>) -> Result<(), StartError> {
        let server = sidecar.shake_hands(&self.client).await?;
        tracing::info!(pid = server.pid, "the sidecar is ready");
        self.state.send_replace(State::Ready(Arc::clone(sidecar)));
        let exit = sidecar.exited().await;
        tracing::warn!(?exit, "the sidecar ended");
        Ok(())
    }

    /// Reports that none runs, and waits for a call or a person to ask for one.
    async fn wait_down(&mut self, error: RpcError, retry_at: Instant) {
        self.woken.mark_unchanged();
        let seconds = retry_at.saturating_duration_since(Instant::now()).as_secs();
        let mut details = error.details.clone();
        details["retryAfterSeconds"] = json!(seconds);
        self.state.send_replace(State::Down { error: error.with_details(details), retry_at });
        self.restarted.mark_unchanged();
        tokio::select! {
            _ = self.woken.changed() => {}
            Ok(()) = self.restarted.changed() => self.starts.forget(),
        }
    }
}

/// Whether what it runs on may be at fault: it neither said what is wrong, nor did somebody else end it.
fn may_be_mended(error: &StartError) -> bool {
    match error {
        StartError::Spawn(error) => error.kind() == io::ErrorKind::NotFound,
        StartError::Exited { exit } => match (exit.code, exit.signal) {
            (Some(code), _) => ![BAD_ARGUMENTS, DATABASE_REFUSED, DATA_FOLDER_IN_USE].contains(&code),
            (None, signal) => ![Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP]
                .iter()
                .any(|from_outside| signal == Some(from_outside.as_raw())),
        },
        StartError::Refused(_) | StartError::Silent(_) | StartError::Foreign(_) => false,
    }
}

/// Why no sidecar runs, and what it said last: most causes are told on its stderr alone.
fn unavailable(error: &StartError, stderr: &str) -> RpcError {
    let mut details = json!({});
    let mut code = None;
    if let StartError::Exited { exit } = error {
        code = exit.code;
        details = json!({"exitCode": exit.code, "signal": exit.signal});
    }
    if !stderr.is_empty() {
        details["stderr"] = json!(last_lines(stderr.trim_end()));
    }
    let cause = match code {
        Some(BAD_ARGUMENTS) => RpcError::lasting("start_refused", "the sidecar refused what it was started with"),
        Some(DATABASE_REFUSED) => RpcError::lasting("database_refused", "the sidecar cannot use its database"),
        Some(DATA_FOLDER_IN_USE) => RpcError::passing("data_folder_in_use", "another process uses this data folder"),
        _ => RpcError::sidecar_unavailable(error.to_string()),
    };
    cause.with_details(details)
}

fn last_lines(text: &str) -> &str {
    let before = text.rmatch_indices('\n').nth(LAST_LINES - 1);
    &text[before.map_or(0, |(newline, _)| newline + 1)..]
}

/// The latest starts, held against the budget.
#[derive(Debug)]
struct Starts {
    budget: Budget,
    times: VecDeque<Instant>,
}

impl Starts {
    /// When the next start is allowed; `now` or later.
    fn next(&self, now: Instant) -> Instant {
        match self.times.len().checked_sub(self.budget.starts) {
            Some(surplus) => (self.times[surplus] + self.budget.within).max(now),
            None => now,
        }
    }

    fn forget(&mut self) {
        self.times.clear();
    }

    /// Counts a start, or says when one is allowed.
    fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let next = self.next(now);
        if next > now {
            return Err(next);
        }
        self.times.push_back(now);
        if self.times.len() > self.budget.starts {
            self.times.pop_front();
        }
        Ok(())
    }
}
