//! What a crash need not cost a client: a background request that it still waits for is put again, once.

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::call::Call;
use crate::caller::Caller;
use crate::error::RpcError;

/// The only method with requests that work through in the background.
pub(crate) const METHOD: &str = "chat/completions";

/// A request as it was put, to put it again.
#[derive(Debug)]
pub(crate) struct Again {
    pub(crate) caller: Caller,
    pub(crate) id: String,
    pub(crate) params: Box<RawValue>,
}

impl Again {
    /// Puts it to the next sidecar, in the background: after the one before has `ended`.
    pub(crate) fn put(self, mut ended: watch::Receiver<bool>) -> Putting {
        tracing::info!(id = self.id, "a background request is put again");
        Putting(tokio::spawn(async move {
            // An error means that its reader is gone, which is the same.
            let _ = ended.wait_for(|ended| *ended).await;
            self.caller.call(self.id, METHOD, &self.params).await
        }))
    }
}

/// A request on its way to the next sidecar. Dropping it takes it back.
#[derive(Debug)]
pub(crate) struct Putting(JoinHandle<Result<Call, RpcError>>);

impl Putting {
    pub(crate) fn take_back(&self) {
        self.0.abort();
    }

    /// Cancel safe.
    pub(crate) async fn done(&mut self) -> Result<Call, RpcError> {
        match (&mut self.0).await {
            Ok(put) => put,
            Err(_) => Err(RpcError::lasting("request_cancelled", "it was cancelled before it was put again")),
        }
    }
}

impl Drop for Putting {
    fn drop(&mut self) {
        self.take_back();
    }
}

/// Of a request that is kept until something of its answer was heard.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// Whether a request is kept, to be put again.
pub(crate) fn is_kept(params: &RawValue) -> bool {
    params.get().len() <= MOST_BYTES && is_background(params)
}

/// Whether a body asks for an answer in the background, as one does that says nothing about it.
fn is_background(params: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow, default)]
        priority: Option<&'a RawValue>,
    }
    serde_json::from_str::<Body>(params.get())
        .is_ok_and(|body| body.priority.is_none_or(|priority| priority.get() == "10"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_without_a_priority_is_one_of_the_background() {
        let is_background = |body: &str| is_background(&RawValue::from_string(body.into()).expect("JSON"));
        assert!(is_background(r#"{"messages":[{"priority":1}]}"#) && is_background(r#"{"priority":10,"n":1}"#));
        assert!(is_background(r#"{"priority":null}"#));
        assert!(!is_background(r#"{"priority":1}"#) && !is_background(r#"{"priority":"10"}"#));
    }

    #[test]
    fn a_large_body_is_not_kept() {
        let of =
            |letters: usize| RawValue::from_string(format!("{{\"user\":\"{}\"}}", "a".repeat(letters))).expect("JSON");
        assert!(is_kept(&of(MOST_BYTES - 11)) && !is_kept(&of(MOST_BYTES - 10)));
    }
}
