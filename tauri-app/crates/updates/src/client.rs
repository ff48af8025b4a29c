//! Requests that say nothing of who asks, and wait for nothing for ever.

use std::sync::Once;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use sidecar_host::RpcError;
use url::Url;

use crate::failure::{refused, unreachable, untrusted};
use crate::place::may_be_asked;

/// For a connection, and between two pieces of an answer.
const PATIENCE: Duration = Duration::from_secs(20);
const MOST_REDIRECTS: usize = 5;

pub(crate) fn client() -> Result<Client, RpcError> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Refused where there is one already: then that does.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let redirects = Policy::custom(|attempt| {
        if !may_be_asked(attempt.url()) || attempt.previous().len() > MOST_REDIRECTS {
            return attempt.error("sent elsewhere, to where nothing is asked");
        }
        attempt.follow()
    });
    Client::builder()
        .connect_timeout(PATIENCE)
        .read_timeout(PATIENCE)
        .redirect(redirects)
        .referer(false)
        .build()
        .map_err(|error| RpcError::lasting("internal_error", error.to_string()))
}

pub(crate) async fn ask(client: &Client, url: Url) -> Result<Response, RpcError> {
    let response = client.get(url).send().await.map_err(|error| unreachable(&error))?;
    let status = response.status();
    if status.is_success() { Ok(response) } else { Err(refused(status.as_u16())) }
}

/// The whole of a small answer.
pub(crate) async fn read(client: &Client, url: Url, most: usize) -> Result<Vec<u8>, RpcError> {
    let mut response = ask(client, url).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| unreachable(&error))? {
        if bytes.len() + piece.len() > most {
            return Err(untrusted("an answer is longer than any that is signed"));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}
