//! What is asked of the sidecar.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use sidecar_host::{Call, RpcError};
use tokio::time::timeout;
use uuid::Uuid;

use crate::account::Account;
use crate::provider::Provider;

pub(crate) const LIST: &str = "providers/list";
pub(crate) const PUT: &str = "secrets/put";
/// Notified by the sidecar when a provider is another than before.
pub(crate) const CHANGED: &str = "providers/changed";

/// How long a sidecar may take for one of these, none of which computes anything.
const ANSWER: Duration = Duration::from_secs(30);

/// The params of [`PUT`]. Not `Debug`: they hold a key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Put<'a> {
    provider_id: &'a str,
    origin: &'a str,
    secret: Option<&'a str>,
}

impl<'a> Put<'a> {
    /// `None` takes the key back.
    pub(crate) fn new(account: &'a Account, key: Option<&'a SecretString>) -> Self {
        let secret = key.map(ExposeSecret::expose_secret);
        Self { provider_id: &account.provider_id, origin: &account.origin, secret }
    }
}

/// A new request's id.
pub(crate) fn id() -> String {
    Uuid::new_v4().to_string()
}

/// The answer to [`LIST`].
pub(crate) async fn providers(sent: impl Future<Output = Result<Call, RpcError>>) -> Result<Vec<Provider>, RpcError> {
    Provider::all_in(&answer(sent).await?)
}

/// How [`PUT`] ended. Of an error only what cannot hold the key is passed on: a sidecar may repeat what it refuses.
pub(crate) async fn put(sent: impl Future<Output = Result<Call, RpcError>>) -> Result<(), RpcError> {
    let refused = match answer(sent).await {
        Ok(_) => return Ok(()),
        Err(refused) => refused,
    };
    let message = "the sidecar did not take the key".to_owned();
    Err(RpcError { message, details: json!({}), ..refused })
}

async fn answer(sent: impl Future<Output = Result<Call, RpcError>>) -> Result<Box<RawValue>, RpcError> {
    let silent = |_| Err(RpcError::sidecar_unavailable(format!("no answer in {ANSWER:?}")));
    timeout(ANSWER, sent.await?.answer()).await.unwrap_or_else(silent)
}
