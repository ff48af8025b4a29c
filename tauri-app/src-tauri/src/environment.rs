//! The first stage of a launch: the sidecar's Python environment, as the window sees it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use python_environment::{Address, Event, Mirrors, Recipe, Stage, Times, Trust};
use serde::Serialize;
use sidecar_host::{Footing, Launch, RpcError};
use tokio::sync::watch;

/// Lines that the window can show.
const LINES: usize = 200;

/// Where the stage stands. A window reads it whole: it may have come later, or have been reloaded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    state: Name,
    /// Whether this app makes it, and can make it anew; a source checkout's it cannot.
    own: bool,
    /// What uv said last.
    lines: VecDeque<String>,
    /// Where packages are fetched from; `None` where nothing is fetched.
    source: Option<String>,
    /// How much it is, where that is known.
    bytes: Option<u64>,
    /// The addresses that this attempt goes by, typed in or set for uv.
    mirrors: Mirrors,
    /// Of `failed`.
    error: Option<RpcError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Checking,
    Syncing,
    /// Nothing was heard of it for a while.
    Slow,
    Ready,
    Failed,
}

impl State {
    fn new(state: Name) -> Self {
        let mirrors = Mirrors::default();
        Self { state, own: true, lines: VecDeque::new(), source: None, bytes: None, mirrors, error: None }
    }

    /// What the window sees after `event`.
    fn take(&mut self, event: Event) {
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
            Event::Ready { .. } => self.state = Name::Ready,
            Event::Failed(error) => {
                self.state = Name::Failed;
                self.error = Some(error);
            }
        }
    }
}

/// What the window asks of the stage.
#[derive(Debug, Clone)]
enum Order {
    /// With the addresses that were typed in.
    Retry(Mirrors),
    /// Nothing on the disk is to be trusted.
    Repair,
    Cancel,
}

/// What the window may do with the stage.
#[derive(Debug)]
pub(crate) struct Environment {
    state: watch::Receiver<State>,
    /// The latest order is the one that counts.
    orders: watch::Sender<Order>,
}

impl Environment {
    /// One that needs nothing: a source checkout has its own.
    pub(crate) fn of_checkout() -> Self {
        let state = State { own: false, ..State::new(Name::Ready) };
        Self { state: watch::channel(state).1, orders: watch::Sender::new(Order::Cancel) }
    }

    /// One that is made, and then stood on: `launch` says what to run with its interpreter. Where no address is typed in,
    /// things are fetched from the `usual` ones.
    pub(crate) fn made_by<L: Fn(&Path) -> Launch>(recipe: Recipe, usual: Mirrors, launch: L) -> (Self, Making<L>) {
        let (state, state_seen) = watch::channel(State::new(Name::Checking));
        // What it is made with counts as seen, and is never carried out.
        let (orders, ordered) = watch::channel(Order::Cancel);
        // A package that came with its wheels asks nobody, whatever a developer has set.
        let usual = if recipe.wheels.is_none() { usual } else { Mirrors::default() };
        let making = Making {
            recipe,
            mirrors: usual.clone(),
            usual,
            launch,
            state,
            orders: ordered,
            trust: Trust::Stamp,
            python: None,
            mendable: true,
        };
        (Self { state: state_seen, orders }, making)
    }

    /// Where it stands, now and from now on.
    pub(crate) fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Ends the attempt that is under way and begins another, with things fetched from where the person says. An empty
    /// address is the usual one. Nothing happens once the environment is there.
    pub(crate) fn retry(&self, index: Option<&str>, python: Option<&str>) -> Result<(), RpcError> {
        let mirrors = Mirrors { index: address(index)?, python: address(python)? };
        self.order(Order::Retry(mirrors));
        Ok(())
    }

    /// Has it made anew, and everything fetched anew, before the next sidecar starts.
    pub(crate) fn repair(&self) {
        self.order(Order::Repair);
    }

    /// Ends the attempt that is under way; it then stands as failed, with `request_cancelled`. Nothing happens if none is.
    pub(crate) fn cancel(&self) {
        self.order(Order::Cancel);
    }

    fn order(&self, order: Order) {
        // Fails in a checkout, and when the app is leaving.
        let _ = self.orders.send(order);
    }
}

fn address(typed: Option<&str>) -> Result<Option<Address>, RpcError> {
    let typed = typed.map(str::trim).filter(|typed| !typed.is_empty());
    let invalid =
        |error: python_environment::BadAddress| RpcError::lasting("environment_address_invalid", error.to_string());
    typed.map(Address::parse).transpose().map_err(invalid)
}

/// The environment that sidecars stand on: made before the first one starts, and made anew when it turns out damaged.
pub(crate) struct Making<L> {
    recipe: Recipe,
    usual: Mirrors,
    mirrors: Mirrors,
    launch: L,
    state: watch::Sender<State>,
    orders: watch::Receiver<Order>,
    /// What the next attempt believes.
    trust: Trust,
    /// The environment's interpreter, as soon as it is there.
    python: Option<PathBuf>,
    /// It was neither made nor looked through in this run: so it may be damaged.
    mendable: bool,
}

impl<L: Fn(&Path) -> Launch + Send + 'static> Footing for Making<L> {
    async fn launch(&mut self) -> Launch {
        // A retry or a cancel may have come when there was nothing to do any more.
        if self.orders.has_changed().unwrap_or(false) && matches!(*self.orders.borrow_and_update(), Order::Repair) {
            (self.trust, self.python) = (Trust::Nothing, None);
        }
        let python = match self.python.take() {
            Some(python) => python,
            None => self.make().await,
        };
        (self.launch)(self.python.insert(python))
    }

    fn mend(&mut self) -> bool {
        let may = self.mendable;
        if may {
            tracing::warn!("the Python environment may be damaged and is looked through");
            (self.trust, self.python, self.mendable) = (Trust::Records, None, false);
        }
        may
    }
}

impl<L> Making<L> {
    /// One attempt after another.
    async fn make(&mut self) -> PathBuf {
        loop {
            self.state.send_modify(|state| state.mirrors = self.mirrors.clone());
            let mut stage = Stage::trusting(self.trust, self.recipe.clone(), self.mirrors.clone(), Times::default());
            let order = loop {
                tokio::select! {
                    event = stage.next() => match event {
                        Some(Event::Ready { python }) => {
                            self.trust = Trust::Stamp;
                            self.state.send_modify(|state| state.take(Event::Ready { python: python.clone() }));
                            return python;
                        }
                        Some(event) => {
                            if matches!(event, Event::Syncing { .. }) {
                                // Made in this run, by itself or by order: what fails then is something else.
                                self.mendable = false;
                            }
                            self.state.send_modify(|state| state.take(event));
                        }
                        // It failed. The window asks for another attempt, or goes.
                        None => break another(&mut self.orders).await,
                    },
                    order = next(&mut self.orders) => match order {
                        Order::Cancel => stage.cancel(),
                        another => break another,
                    },
                }
            };
            stage.end().await;
            match order {
                Order::Retry(Mirrors { index, python }) => {
                    let usual = self.usual.clone();
                    self.mirrors = Mirrors { index: index.or(usual.index), python: python.or(usual.python) };
                    // What an attempt fetched before it failed need not be fetched again.
                    if self.trust == Trust::Nothing {
                        self.trust = Trust::Records;
                    }
                }
                Order::Repair => self.trust = Trust::Nothing,
                Order::Cancel => {}
            }
        }
    }
}

/// The order to make another attempt; there is nothing to cancel meanwhile. Cancel safe.
async fn another(orders: &mut watch::Receiver<Order>) -> Order {
    loop {
        match next(orders).await {
            Order::Cancel => {}
            order => return order,
        }
    }
}

/// Cancel safe.
async fn next(orders: &mut watch::Receiver<Order>) -> Order {
    if orders.changed().await.is_err() {
        // The app is leaving.
        std::future::pending::<()>().await;
    }
    orders.borrow_and_update().clone()
}

/// What a person set for uv in their own environment holds wherever they type nothing, if a typed-in address could.
pub(crate) fn of_variables() -> Mirrors {
    let variable = |name: &str| {
        let text = std::env::var(name).ok()?;
        Address::parse(&text).inspect_err(|error| tracing::warn!(name, %error, "a variable is not used")).ok()
    };
    Mirrors { index: variable("UV_DEFAULT_INDEX"), python: variable("UV_PYTHON_INSTALL_MIRROR") }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use tokio::time::timeout;

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
        state.take(Event::Failed(RpcError::passing("environment_no_network", "none")));
        let seen = serde_json::to_value(&state).expect("it is JSON");
        assert_eq!((&seen["state"], &seen["error"]["kind"]), (&"failed".into(), &"environment_no_network".into()));
        assert_eq!(seen["source"], "https://pypi.org/simple");
        state.take(Event::Checking);
        assert_eq!(state, State::new(Name::Checking), "another attempt begins anew");
    }

    #[test]
    fn an_address_that_would_not_be_used_is_refused_before_anything_ends() {
        let environment = Environment::of_checkout();
        for address in ["http://example.com", "https://me:secret@example.com", "example.com"] {
            let error = environment.retry(Some(address), None).expect_err(address);
            assert_eq!(error.kind, "environment_address_invalid");
            assert!(!error.message.contains("secret"));
        }
        environment.retry(Some(" "), None).expect("an empty field is none");
    }

    #[tokio::test]
    async fn a_failed_attempt_waits_for_a_retry_and_another_one_follows() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let recipe = Recipe::new(folder.path().join("no-uv"), folder.path(), folder.path());
        let (environment, mut made) = made_by(recipe, Mirrors::default());
        let making = tokio::spawn(async move { made.launch().await });
        let mut state = environment.state();
        for _ in 0..2 {
            let failed = state.wait_for(|state| state.state == Name::Failed);
            drop(timeout(Duration::from_secs(30), failed).await.expect("in time").expect("it is being made"));
            environment.retry(None, None).expect("no address is none");
            let again = state.wait_for(|state| state.state == Name::Checking);
            drop(timeout(Duration::from_secs(30), again).await.expect("in time").expect("it is being made"));
        }
        making.abort();
    }

    fn made_by(recipe: Recipe, usual: Mirrors) -> (Environment, impl Footing) {
        let data = recipe.logs.clone();
        Environment::made_by(recipe, usual, move |python| Launch::in_environment(python, &data, None))
    }

    fn address(text: &str) -> Option<Address> {
        Some(Address::parse(text).expect("an address"))
    }

    #[tokio::test]
    async fn an_empty_field_means_what_is_set_for_uv_and_a_failure_keeps_what_was_typed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let recipe = Recipe::new(folder.path().join("no-uv"), folder.path(), folder.path());
        let usual =
            Mirrors { index: address("https://usual.example/simple"), python: address("https://usual.example/python") };
        let (environment, mut made) = made_by(recipe, usual.clone());
        let making = tokio::spawn(async move { made.launch().await });
        let mut state = environment.state();
        let first = until(&mut state, |state| state.state == Name::Failed).await;
        assert_eq!(first.mirrors, usual);

        let typed = "https://typed.example/simple";
        environment.retry(Some(typed), Some(" ")).expect("they are addresses");
        let with_typed = Mirrors { index: address(typed), python: usual.python.clone() };
        until(&mut state, |state| state.state == Name::Failed && state.mirrors == with_typed).await;

        environment.retry(Some(""), None).expect("no address is none");
        let again = until(&mut state, |state| state.state == Name::Failed && state.mirrors == usual).await;
        let seen = serde_json::to_value(&again).expect("it is JSON");
        assert_eq!(seen["mirrors"]["index"], "https://usual.example/simple");
        making.abort();
    }

    /// A uv that answers when it is asked for its version, and then does nothing for as long as it is let.
    fn uv_that_hangs(folder: &Path) -> PathBuf {
        let uv = folder.join("uv");
        fs::write(&uv, "#!/bin/sh\n[ \"$1\" = --version ] && echo uv 0 || { echo begun; exec sleep 1000; }\n")
            .expect("a script");
        fs::set_permissions(&uv, fs::Permissions::from_mode(0o755)).expect("it is ours to change");
        uv
    }

    async fn until(state: &mut watch::Receiver<State>, what: impl FnMut(&State) -> bool) -> State {
        timeout(Duration::from_secs(30), state.wait_for(what))
            .await
            .expect("in time")
            .expect("it is being made")
            .clone()
    }

    #[tokio::test]
    async fn a_cancelled_attempt_stands_as_failed_and_another_one_may_follow() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["pyproject.toml", "uv.lock"] {
            fs::write(folder.path().join(name), "").expect("the disk has room");
        }
        let recipe = Recipe::new(uv_that_hangs(folder.path()), folder.path(), &folder.path().join("data"));
        let (environment, mut made) = made_by(recipe, Mirrors::default());
        let making = tokio::spawn(async move { made.launch().await });
        let mut state = environment.state();
        let begun = |state: &State| state.state == Name::Syncing && state.lines.iter().any(|line| line == "begun");
        for _ in 0..2 {
            until(&mut state, begun).await;
            environment.cancel();
            let failed = until(&mut state, |state| state.state == Name::Failed).await;
            assert_eq!(failed.error.map(|error| error.kind), Some("request_cancelled".into()));
            // None is under way: nothing is left over for the one that follows.
            environment.cancel();
            environment.retry(None, None).expect("no address is none");
        }
        until(&mut state, begun).await;
        making.abort();
    }

    #[test]
    fn nothing_is_cancelled_where_the_environment_is_there() {
        let environment = Environment::of_checkout();
        environment.cancel();
        assert_eq!(environment.state().borrow().state, Name::Ready);
    }
}
