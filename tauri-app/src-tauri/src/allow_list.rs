//! The methods of the sidecar that the window may call.

use std::collections::HashSet;

use serde::Deserialize;
use sidecar_host::RpcError;

/// The contract both sides are built from.
const OPENRPC: &str = include_str!("../../../schemas/openrpc.json");

/// A method is allowed if the contract lists the window among its callers; all others are not.
#[derive(Debug)]
pub(crate) struct AllowList(HashSet<String>);

#[derive(Deserialize)]
struct Contract {
    methods: Vec<Method>,
}

#[derive(Deserialize)]
struct Method {
    name: String,
    #[serde(default, rename = "x-callers")]
    callers: Vec<String>,
}

impl AllowList {
    pub(crate) fn of_window() -> serde_json::Result<Self> {
        let contract: Contract = serde_json::from_str(OPENRPC)?;
        let allowed = contract.methods.into_iter().filter(|method| method.callers.iter().any(|who| who == "window"));
        Ok(Self(allowed.map(|method| method.name).collect()))
    }

    /// `method_not_found` for a method that is not for the window, whether the sidecar has it or not.
    pub(crate) fn check(&self, method: &str) -> Result<(), RpcError> {
        if self.0.contains(method) {
            return Ok(());
        }
        Err(RpcError::lasting("method_not_found", format!("the window may not call {method:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_reaches_the_methods_made_for_it() {
        let list = AllowList::of_window().expect("the contract is JSON");
        for method in ["chat/completions", "models/list", "models/download", "engine/status"] {
            list.check(method).expect(method);
        }
    }

    #[test]
    fn the_window_reaches_nothing_else() {
        let list = AllowList::of_window().expect("the contract is JSON");
        for method in ["shutdown", "initialize", "$/cancelRequest", "rpc.discover", "no/such", ""] {
            assert_eq!(list.check(method).expect_err(method).kind, "method_not_found");
        }
    }
}
