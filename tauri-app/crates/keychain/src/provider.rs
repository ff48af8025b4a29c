//! What the sidecar says of its providers, as much of it as keys need.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;
use sidecar_host::RpcError;

use crate::account::Account;
use crate::origin::origin_of;

#[derive(Deserialize)]
struct Answer {
    providers: Vec<Provider>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Provider {
    pub(crate) id: String,
    base_url: String,
    /// The app itself, which needs no key.
    pub(crate) builtin: bool,
    /// The sidecar that says so has its key.
    pub(crate) has_secret: bool,
}

impl Provider {
    /// Those in an answer to `providers/list`.
    ///
    /// # Errors
    /// `internal_error`: it is no such answer.
    pub(crate) fn all_in(answer: &RawValue) -> Result<Vec<Self>, RpcError> {
        let answer: Answer = serde_json::from_str(answer.get())
            .map_err(|error| RpcError::lasting("internal_error", format!("no list of providers: {error}")))?;
        Ok(answer.providers)
    }

    /// Where its key belongs; `None` for the built-in provider.
    pub(crate) fn account(&self) -> Option<Account> {
        let origin = if self.builtin { None } else { origin_of(&self.base_url) };
        origin.map(|origin| Account { provider_id: self.id.clone(), origin })
    }
}

/// The accounts of all that could have a key.
pub(crate) fn accounts(providers: &[Provider]) -> HashSet<Account> {
    providers.iter().filter_map(Provider::account).collect()
}
