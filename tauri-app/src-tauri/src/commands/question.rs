//! What the person is asked by the system's own dialog: a page that was taken over cannot answer it.

use std::borrow::Cow;

use sidecar_host::RpcError;
use tauri::WebviewWindow;
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons};
use tokio::sync::oneshot;

use super::internal;

/// In the person's language.
pub(crate) struct Question<'a> {
    pub(crate) title: &'a str,
    pub(crate) text: Cow<'a, str>,
    pub(crate) yes: &'a str,
    pub(crate) no: &'a str,
}

/// Whether the person said yes.
pub(crate) async fn agreed(window: &WebviewWindow, question: Question<'_>) -> Result<bool, RpcError> {
    let (decide, decided) = oneshot::channel();
    let dialog = window.dialog().message(question.text).title(question.title).parent(window);
    dialog.buttons(MessageDialogButtons::OkCancelCustom(question.yes.into(), question.no.into())).show(move |agreed| {
        // The window may have closed meanwhile.
        let _ = decide.send(agreed);
    });
    decided.await.map_err(internal)
}
