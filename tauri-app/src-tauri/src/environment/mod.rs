//! The first stage of a launch: the sidecar's Python environment, and what the window may do with it.

mod making;
mod state;

use std::path::Path;

use openai_proxy::HeldUp;
use python_environment::{Address, Mirrors, Recipe};
use serde_json::json;
use sidecar_host::{Launch, RpcError};
use tokio::sync::watch;

use making::Making;
use state::Name;
pub(crate) use state::State;

/// What the window asked of the stage.
#[derive(Debug, Clone, Default)]
struct Orders {
    /// The one that counts.
    latest: Order,
    /// How many of them were repairs: what comes after a repair does not outdo it.
    repairs: u64,
}

#[derive(Debug, Clone, Default)]
enum Order {
    /// With the addresses that were typed in.
    Retry(Mirrors),
    /// Nothing on the disk is to be trusted.
    Repair,
    /// Where nothing was ordered yet there is none to end.
    #[default]
    Cancel,
}

/// What the window may do with the stage.
#[derive(Debug)]
pub(crate) struct Environment {
    state: watch::Receiver<State>,
    orders: watch::Sender<Orders>,
}

impl Environment {
    /// One that needs nothing: a source checkout has its own.
    pub(crate) fn of_checkout() -> Self {
        Self { state: watch::channel(State::of_checkout()).1, orders: watch::Sender::default() }
    }

    /// One that is made, and then stood on: `launch` says what to run with its interpreter. Where no address is typed in,
    /// things are fetched from the `usual` ones.
    pub(crate) fn made_by<L: Fn(&Path) -> Launch>(recipe: Recipe, usual: Mirrors, launch: L) -> (Self, Making<L>) {
        let (state, state_seen) = watch::channel(State::new(Name::Checking));
        let (orders, ordered) = watch::channel(Orders::default());
        // A package that came with its wheels asks nobody, whatever a developer has set.
        let usual = if recipe.wheels.is_none() { usual } else { Mirrors::default() };
        let making = Making::new(recipe, usual, launch, state, ordered);
        (Self { state: state_seen, orders }, making)
    }

    /// Where it stands, now and from now on.
    pub(crate) fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Why it cannot be made, as soon as that is so: for who cannot order another attempt. `begun` is called when it turns
    /// out that it has to be made.
    pub(crate) async fn failure(&self, begun: impl FnOnce()) -> RpcError {
        let mut state = self.state();
        if state.wait_for(State::is_begun).await.is_ok() {
            begun();
        }
        let failed = state.wait_for(|state| state.error.is_some()).await;
        match failed.ok().and_then(|state| state.error.clone()) {
            Some(error) => error,
            // A checkout's is there, or the program is leaving.
            None => std::future::pending().await,
        }
    }

    /// What other programs are told while an attempt has failed: they would wait for the person to order another. Must be
    /// called within a Tokio runtime.
    pub(crate) fn held_up(&self) -> HeldUp {
        let (known, reason) = watch::channel(None);
        let mut state = self.state();
        tokio::spawn(async move {
            loop {
                known.send_replace(state.borrow_and_update().failure());
                if state.changed().await.is_err() {
                    return;
                }
            }
        });
        HeldUp::by(reason)
    }

    /// Those of the addresses that the attempt which is under way, or failed, does not go by.
    ///
    /// # Errors
    /// As [`Self::retry`].
    pub(crate) fn new_addresses(&self, index: Option<&str>, python: Option<&str>) -> Result<Vec<String>, RpcError> {
        let typed = [address("index", index)?, address("python", python)?];
        let state = self.state.borrow();
        let known = [&state.mirrors.index, &state.mirrors.python];
        let new = typed.into_iter().zip(known).filter(|(typed, known)| typed != *known);
        Ok(new.filter_map(|(typed, _)| typed).map(|address| address.to_string()).collect())
    }

    /// Ends the attempt that is under way and begins another, with things fetched from where the person says. An empty
    /// address is the usual one. Nothing happens once the environment is there.
    ///
    /// # Errors
    /// `environment_address_invalid`; `details.field` says which: `index` or `python`.
    pub(crate) fn retry(&self, index: Option<&str>, python: Option<&str>) -> Result<(), RpcError> {
        let mirrors = Mirrors { index: address("index", index)?, python: address("python", python)? };
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
        // In a checkout, and when the app is leaving, nobody reads it.
        self.orders.send_modify(|orders| {
            orders.repairs += u64::from(matches!(order, Order::Repair));
            orders.latest = order;
        });
    }
}

/// What was typed into `field`, if anything was.
fn address(field: &str, typed: Option<&str>) -> Result<Option<Address>, RpcError> {
    let typed = typed.map(str::trim).filter(|typed| !typed.is_empty());
    typed.map(Address::parse).transpose().map_err(|error| {
        RpcError::lasting("environment_address_invalid", error.to_string()).with_details(json!({"field": field}))
    })
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
    use super::*;

    #[test]
    fn an_address_that_would_not_be_used_is_refused_before_anything_ends() {
        let environment = Environment::of_checkout();
        for address in ["http://example.com", "https://me:secret@example.com", "example.com"] {
            for (field, index, python) in [("index", Some(address), None), ("python", None, Some(address))] {
                let error = environment.retry(index, python).expect_err(address);
                assert_eq!((&*error.kind, &error.details["field"]), ("environment_address_invalid", &field.into()));
                assert!(!error.message.contains("secret"));
            }
        }
        environment.retry(Some(" "), None).expect("an empty field is none");
    }
}
