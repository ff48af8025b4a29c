//! Where the sidecar's code is, and how a sidecar comes of it.

use std::path::{Path, PathBuf};

use sidecar_host::{Budget, Checkout, Client, Launch, Options, Supervisor};
use updates::Place;

use crate::arguments::Arguments;
use crate::bundle::Bundle;
use crate::environment::{self, Environment};

/// Where the sidecar's code was not found.
#[derive(Debug, thiserror::Error)]
#[error("the Python sidecar is not with this program; run ./just setup in the checkout it was built in")]
pub(crate) struct NoSidecar;

/// Where the sidecar's code is.
#[derive(Debug)]
pub(crate) enum Source {
    /// In the checkout that this program was built in, with an environment that is there.
    Checkout(Checkout),
    /// In a package, with an environment that is made at the first launch.
    Bundle(Bundle),
}

impl Source {
    /// The bundle that the command line names, or the checkout that this program lies in. `None` where a package's own
    /// bundle is to be looked for.
    pub(crate) fn named(arguments: &Arguments) -> Result<Option<Self>, NoSidecar> {
        if let Some(folder) = &arguments.bundle {
            let folder = std::path::absolute(folder).map_err(|_| NoSidecar)?;
            return Bundle::in_folder(&folder).map(|bundle| Some(Self::Bundle(bundle))).ok_or(NoSidecar);
        }
        let program = std::env::current_exe().ok();
        let beside = program.as_deref().and_then(Checkout::above);
        // A target folder may lie outside the checkout (CARGO_TARGET_DIR). A package has its own, also one of a debug build.
        let built_in =
            || cfg!(all(dev, debug_assertions)).then(|| Checkout::above(env!("CARGO_MANIFEST_DIR").as_ref())).flatten();
        Ok(beside.or_else(built_in).map(Self::Checkout))
    }

    /// The bundle among the package's `resources`.
    pub(crate) fn packaged(resources: &Path) -> Option<Self> {
        Bundle::in_resources(resources).map(Self::Bundle)
    }

    /// Where releases of this copy of the app are announced.
    pub(crate) fn releases(&self) -> Option<Place> {
        match self {
            Self::Checkout(_) => None,
            Self::Bundle(bundle) => bundle.releases(),
        }
    }

    /// Starts the sidecar, as soon as it has an environment. Must be called within a Tokio runtime.
    pub(crate) fn start(self, data: &Path, catalog: Option<PathBuf>, client: Client) -> (Environment, Supervisor) {
        let (options, budget) = (Options::default(), Budget::default());
        match self {
            Self::Checkout(checkout) => {
                let launch = checkout.launch(data, catalog.as_deref());
                (Environment::of_checkout(), Supervisor::start(launch, client, options, budget))
            }
            Self::Bundle(bundle) => {
                let (recipe, data) = (bundle.recipe(data), data.to_owned());
                let launch = move |python: &Path| Launch::in_environment(python, &data, catalog.as_deref());
                let (environment, making) = Environment::made_by(recipe, environment::of_variables(), launch);
                (environment, Supervisor::start(making, client, options, budget))
            }
        }
    }
}
