//! One attempt after another, as the window orders them, before each start of a sidecar.

use std::path::{Path, PathBuf};

use python_environment::{Event, Mirrors, Recipe, Stage, Times, Trust};
use sidecar_host::{Footing, Launch};
use tokio::sync::watch;

use super::state::State;
use super::{Order, Orders};

/// The environment that sidecars stand on: made before the first one starts, and made anew when it turns out damaged.
pub(crate) struct Making<L> {
    recipe: Recipe,
    usual: Mirrors,
    mirrors: Mirrors,
    launch: L,
    state: watch::Sender<State>,
    orders: watch::Receiver<Orders>,
    /// As many repairs as were ordered and heeded.
    repairs: u64,
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
        self.orders.mark_unchanged();
        self.heed_repairs();
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
    pub(super) fn new(
        recipe: Recipe,
        usual: Mirrors,
        launch: L,
        state: watch::Sender<State>,
        orders: watch::Receiver<Orders>,
    ) -> Self {
        let (mirrors, trust) = (usual.clone(), Trust::Stamp);
        Self { recipe, usual, mirrors, launch, state, orders, repairs: 0, trust, python: None, mendable: true }
    }

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
                                // What is on the disk from here on need not be fetched again, should this one fail.
                                if self.trust == Trust::Nothing {
                                    self.trust = Trust::Records;
                                }
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
            self.heed_repairs();
            if let Order::Retry(Mirrors { index, python }) = order {
                let usual = self.usual.clone();
                self.mirrors = Mirrors { index: index.or(usual.index), python: python.or(usual.python) };
            }
        }
    }

    /// Where one was ordered since the last time nothing is trusted any more.
    fn heed_repairs(&mut self) {
        let ordered = self.orders.borrow().repairs;
        if ordered != self.repairs {
            (self.repairs, self.trust, self.python) = (ordered, Trust::Nothing, None);
        }
    }
}

/// The order to make another attempt; there is nothing to cancel meanwhile. Cancel safe.
async fn another(orders: &mut watch::Receiver<Orders>) -> Order {
    loop {
        match next(orders).await {
            Order::Cancel => {}
            order => return order,
        }
    }
}

/// Cancel safe.
async fn next(orders: &mut watch::Receiver<Orders>) -> Order {
    if orders.changed().await.is_err() {
        // The app is leaving.
        std::future::pending::<()>().await;
    }
    orders.borrow_and_update().latest.clone()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use python_environment::Address;
    use tokio::time::timeout;

    use super::super::Environment;
    use super::super::state::Name;
    use super::*;

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
            let told = timeout(Duration::from_secs(30), environment.held_up().reason()).await.expect("in time");
            assert_eq!((&*told.kind, told.retryable), ("sidecar_unavailable", true), "nobody waits for a sidecar");
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

        let typed = TYPED;
        environment.retry(Some(typed), Some(" ")).expect("they are addresses");
        let with_typed = Mirrors { index: address(typed), python: usual.python.clone() };
        until(&mut state, |state| state.state == Name::Failed && state.mirrors == with_typed).await;

        environment.retry(Some(""), None).expect("no address is none");
        let again = until(&mut state, |state| state.state == Name::Failed && state.mirrors == usual).await;
        let seen = serde_json::to_value(&again).expect("it is JSON");
        assert_eq!(seen["mirrors"]["index"], "https://usual.example/simple");
        making.abort();
    }

    /// With a uv that answers when it is asked for its version, and then does nothing for as long as it is let. What
    /// it is asked before it answers lies in `gate`.
    fn with_uv_that_hangs(folder: &Path) -> Recipe {
        let uv = folder.join("uv");
        let script = "#!/bin/sh\n\
            [ \"$1\" = --version ] && cat \"${0%/*}/gate\" && echo uv 0 || { echo begun; exec sleep 1000; }\n";
        fs::write(&uv, script).expect("a script");
        fs::set_permissions(&uv, fs::Permissions::from_mode(0o755)).expect("it is ours to change");
        for name in ["pyproject.toml", "uv.lock", "gate"] {
            fs::write(folder.join(name), "").expect("the disk has room");
        }
        Recipe::new(uv, folder, &folder.join("data"))
    }

    fn begun(state: &State) -> bool {
        state.state == Name::Syncing && state.lines.iter().any(|line| line == "begun")
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
        let recipe = with_uv_that_hangs(folder.path());
        let (environment, mut made) = made_by(recipe, Mirrors::default());
        let making = tokio::spawn(async move { made.launch().await });
        let mut state = environment.state();
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

    /// An attempt under way, with a file in uv's cache, which only who trusts nothing removes.
    async fn under_way(folder: &Path) -> (Environment, watch::Receiver<State>, PathBuf, AbortOnDrop) {
        let recipe = with_uv_that_hangs(folder);
        let old = recipe.cache.join("old");
        let (environment, mut made) = made_by(recipe, Mirrors::default());
        let making = AbortOnDrop(tokio::spawn(async move { made.launch().await }));
        let mut state = environment.state();
        until(&mut state, begun).await;
        fs::create_dir_all(old.parent().expect("a folder")).expect("the disk has room");
        fs::write(&old, "").expect("the disk has room");
        (environment, state, old, making)
    }

    struct AbortOnDrop(tokio::task::JoinHandle<Launch>);

    impl Drop for AbortOnDrop {
        fn drop(&mut self) {
            self.0.abort();
        }
    }

    const TYPED: &str = "https://typed.example/simple";

    /// Until the attempt with what was typed in is past what a repair removes.
    async fn until_begun_with_typed(state: &mut watch::Receiver<State>) {
        until(state, |state| begun(state) && state.mirrors.index == address(TYPED)).await;
    }

    #[tokio::test]
    async fn a_repair_is_not_outdone_by_a_retry_or_a_cancel_that_is_ordered_in_the_same_moment() {
        for cancelled in [false, true] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let (environment, mut state, old, _making) = under_way(folder.path()).await;
            environment.repair();
            if cancelled {
                environment.cancel();
                until(&mut state, |state| state.state == Name::Failed).await;
            }
            environment.retry(Some(TYPED), None).expect("an address");
            until_begun_with_typed(&mut state).await;
            assert!(!old.exists());
        }
    }

    #[tokio::test]
    async fn a_retry_trusts_what_a_repair_fetched_only_if_the_repair_has_removed_what_was_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (environment, mut state, old, _making) = under_way(folder.path()).await;
        // The repair's uv waits for a writer, and does not get as far as to remove anything.
        let gate = folder.path().join("gate");
        fs::remove_file(&gate).expect("it is there");
        let made = std::process::Command::new("mkfifo").arg(&gate).status();
        assert!(made.is_ok_and(|status| status.success()));
        environment.repair();
        until(&mut state, |state| state.state == Name::Checking).await;
        fs::remove_file(&gate).expect("it is there");
        fs::write(&gate, "").expect("the disk has room");
        environment.retry(Some(TYPED), None).expect("an address");
        until_begun_with_typed(&mut state).await;
        assert!(!old.exists());

        fs::create_dir_all(old.parent().expect("a folder")).expect("the disk has room");
        fs::write(&old, "").expect("the disk has room");
        environment.retry(None, None).expect("no address is none");
        until(&mut state, |state| begun(state) && state.mirrors == Mirrors::default()).await;
        assert!(old.exists(), "it was fetched by the repair");
    }
}
