//! One sidecar after another: when one dies or hangs, the next is started, within a budget.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::again::{self, Again};
use crate::budget::{Budget, Failures};
use crate::call::Call;
use crate::caller::{Caller, State};
use crate::error::RpcError;
use crate::exit_code::{BAD_ARGUMENTS, DATA_FOLDER_IN_USE, DATABASE_REFUSED, ENGINE_HUNG, reason};
use crate::footing::Footing;
use crate::launch::Launch;
use crate::sidecar::{Client, Options, Sidecar, StartError};
use crate::wire::Notification;

/// Notifications a subscriber may lag behind before it loses the oldest.
const NOTIFICATIONS: usize = 1024;

/// Lines of stderr that go with the error of a sidecar that did not start.
const LAST_LINES: usize = 20;

/// Keeps a sidecar running until [`Supervisor::shut_down`].
#[derive(Debug)]
pub struct Supervisor {
    caller: Caller,
    notifications: broadcast::Sender<Notification>,
    restart: watch::Sender<()>,
    stop: watch::Sender<bool>,
}

impl Supervisor {
    /// Starts the first sidecar in the background, once `footing` knows what to run; until then calls wait. Must be
    /// called within a Tokio runtime.
    pub fn start(footing: impl Footing, client: Client, options: Options, budget: Budget) -> Self {
        let (state, seen) = watch::channel(State::Starting);
        let (wake, woken) = watch::channel(());
        let (restart, restarted) = watch::channel(());
        let (stop, stopped) = watch::channel(false);
        let notifications = broadcast::Sender::new(NOTIFICATIONS);
        let keeper = Keeper {
            client,
            options,
            failures: Failures::new(budget),
            notifications: notifications.clone(),
            state,
            woken,
            restarted,
            stopped,
        };
        tokio::spawn(keeper.run(footing));
        Self { caller: Caller { state: seen, wake }, notifications, restart, stop }
    }

    /// Sends a request, once a sidecar is ready. While none runs and the budget allows, this starts one. One that answers
    /// in the background is put again, once, if its sidecar dies before anything was heard of it.
    ///
    /// # Errors
    /// `sidecar_unavailable` or `data_folder_in_use` when none comes up; else as [`crate::Transport::call`].
    pub async fn call(&self, id: String, method: &str, params: &impl Serialize) -> Result<Call, RpcError> {
        if method != again::METHOD {
            return self.caller.call(id, method, params).await;
        }
        let params = to_raw_value(params).map_err(|error| RpcError::lasting("invalid_params", error.to_string()))?;
        let call = self.caller.call(id.clone(), method, &params).await?;
        if !again::is_kept(&params) {
            return Ok(call);
        }
        Ok(call.put_again(Again { caller: self.caller.clone(), id, params }))
    }

    /// The answer to a request of the app's own, which has no params.
    ///
    /// # Errors
    /// As [`Supervisor::call`], and what the sidecar answers.
    pub async fn ask(&self, method: &str) -> Result<Box<RawValue>, RpcError> {
        self.call(Uuid::new_v4().to_string(), method, &json!({})).await?.answer().await
    }

    /// The notifications of this and every later sidecar that belong to no request.
    pub fn subscribe(&self) -> broadcast::Receiver<Notification> {
        self.notifications.subscribe()
    }

    /// Where the sidecar stands, now and from now on.
    pub fn state(&self) -> watch::Receiver<State> {
        self.caller.state.clone()
    }

    /// Ends the sidecar, if one runs, and starts another; whoever asked for it has waited enough for the budget.
    pub fn restart(&self) {
        self.restart.send_replace(());
    }

    /// Ends the sidecar for good, and returns when its process group is gone.
    pub async fn shut_down(&self) {
        self.stop.send_replace(true);
        let _ = self.state().wait_for(|state| matches!(state, State::Stopped)).await;
    }
}

/// How a sidecar that was ready has ended.
enum End {
    /// A person asked for another one.
    Asked,
    /// It hung: it was killed for that, or said so itself.
    Hung,
    Left,
}

/// The task behind a [`Supervisor`].
struct Keeper {
    client: Client,
    options: Options,
    failures: Failures,
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
        let mut served_before = false;
        loop {
            self.state.send_replace(State::Starting);
            let launch = footing.launch().await;
            tracing::info!("starting the sidecar");
            let begun = Instant::now();
            let ended = self.serve(&launch, current).await;
            let now = Instant::now();
            match ended {
                Ok(End::Asked) => {
                    self.failures.forget();
                    continue;
                }
                Ok(End::Hung) => {
                    served_before = true;
                    self.failures.failed(begun, now);
                }
                Ok(End::Left) => {
                    served_before = true;
                    self.failures.left(begun, now);
                }
                Err((error, stderr)) => {
                    tracing::error!(%error, "the sidecar did not start");
                    self.failures.failed(begun, now);
                    if may_be_mended(&error) && footing.mend() {
                        continue;
                    }
                    // Nobody may be there who asks for the next one, and what was under way has to go on.
                    if !served_before || says_why(&error) {
                        self.wait_down(unavailable(&error, &stderr), self.failures.next(now)).await;
                        continue;
                    }
                }
            }
            let next = self.failures.next(now);
            if next > now {
                self.wait_down(RpcError::sidecar_unavailable("the sidecar keeps failing"), next).await;
            } else {
                self.rest(self.failures.pause(now)).await;
            }
        }
    }

    /// Starts one sidecar and returns when it has ended. Fails with what it said on stderr if it did not come up.
    async fn serve(
        &mut self,
        launch: &Launch,
        current: &mut Option<Arc<Sidecar>>,
    ) -> Result<End, (StartError, String)> {
        self.restarted.mark_unchanged();
        let told = self.notifications.subscribe();
        let sidecar =
            Sidecar::spawn(launch, self.options, self.notifications.clone()).map_err(|error| (error, String::new()))?;
        let sidecar = Arc::clone(current.insert(Arc::new(sidecar)));
        let mut restarted = self.restarted.clone();
        tokio::select! {
            end = self.attend(&sidecar, told) => end.map_err(|error| (error, sidecar.stderr())),
            Ok(()) = restarted.changed() => {
                tracing::info!("the sidecar is ended, and another one started");
                // Calls wait for that one from now on: this one takes no more.
                self.state.send_replace(State::Starting);
                sidecar.shut_down().await;
                Ok(End::Asked)
            }
        }
    }

    async fn attend(&self, sidecar: &Arc<Sidecar>, told: broadcast::Receiver<Notification>) -> Result<End, StartError> {
        let server = sidecar.shake_hands(&self.client).await?;
        tracing::info!(pid = server.pid, "the sidecar is ready");
        self.state.send_replace(State::Ready(Arc::clone(sidecar)));
        tokio::select! {
            exit = sidecar.exited() => {
                tracing::warn!(?exit, "the sidecar ended");
                Ok(if exit.code == Some(ENGINE_HUNG.into()) { End::Hung } else { End::Left })
            }
            () = self.options.pulse.lost(sidecar, told) => {
                tracing::error!("the sidecar answers no more: killing it");
                self.state.send_replace(State::Starting);
                let exit = sidecar.kill().await;
                tracing::warn!(?exit, "the sidecar ended");
                Ok(End::Hung)
            }
        }
    }

    /// Lets some time pass before the next start, unless a person asks for it. Calls wait meanwhile.
    async fn rest(&mut self, pause: Duration) {
        self.state.send_replace(State::Starting);
        self.restarted.mark_unchanged();
        tokio::select! {
            () = sleep(pause) => {}
            Ok(()) = self.restarted.changed() => self.failures.forget(),
        }
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
            Ok(()) = self.restarted.changed() => self.failures.forget(),
        }
    }
}

/// Whether what it runs on may be at fault: it neither said what is wrong, nor did somebody else end it.
fn may_be_mended(error: &StartError) -> bool {
    match error {
        StartError::Spawn(error) => error.kind() == io::ErrorKind::NotFound,
        StartError::Exited { exit } => match (exit.code, exit.signal) {
            (Some(_), _) => reason(exit.code).is_none(),
            (None, signal) => ![Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP]
                .iter()
                .any(|from_outside| signal == Some(from_outside.as_raw())),
        },
        StartError::Refused(_) | StartError::Silent(_) | StartError::Foreign(_) => false,
    }
}

/// Whether it left with the code of something that another start does not change.
fn says_why(error: &StartError) -> bool {
    matches!(error, StartError::Exited { exit } if reason(exit.code).is_some())
}

/// Why no sidecar runs, and what it said last: most causes are told on its stderr alone.
fn unavailable(error: &StartError, stderr: &str) -> RpcError {
    let mut details = json!({});
    let mut said = None;
    if let StartError::Exited { exit } = error {
        said = reason(exit.code);
        details = json!({"exitCode": exit.code, "signal": exit.signal});
    }
    if !stderr.is_empty() {
        details["stderr"] = json!(last_lines(stderr.trim_end()));
    }
    let cause = match said {
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
