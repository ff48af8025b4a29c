//! Requests to the sidecar and its notifications.

use serde_json::Value;
use serde_json::value::RawValue;
use sidecar_host::RpcError;
use tauri::ipc::Channel;
use tauri::{State, Webview, WebviewWindow};

use crate::environment::Environment;
use crate::offered::Offered;
use crate::page::{PageEvent, PageStream};
use crate::question::AtWindow;
use crate::relay::{Relay, Request};

#[tauri::command]
pub(crate) async fn rpc_call(
    window: WebviewWindow,
    relay: State<'_, Relay>,
    offered: State<'_, Offered>,
    request_id: String,
    method: String,
    params: Value,
    on_event: Channel<PageEvent>,
) -> Result<Box<RawValue>, RpcError> {
    let request = Request { id: &request_id, method: &method, params: &params };
    let person = AtWindow::of(&window);
    let stream = PageStream::new(window.as_ref().clone(), on_event);
    relay.call(window.label(), request, &offered, &person, stream).await
}

#[tauri::command]
pub(crate) fn rpc_cancel(webview: Webview, relay: State<'_, Relay>, request_id: String) {
    relay.cancel(webview.label(), &request_id);
}

#[tauri::command]
pub(crate) fn rpc_subscribe(
    webview: Webview,
    relay: State<'_, Relay>,
    environment: State<'_, Environment>,
    on_event: Channel<PageEvent>,
) {
    let subscription = relay.subscribe(webview.label(), &environment);
    tauri::async_runtime::spawn(subscription.stream(PageStream::new(webview, on_event)));
}

#[tauri::command]
pub(crate) fn engine_restart(relay: State<'_, Relay>) {
    relay.restart_sidecar();
}
