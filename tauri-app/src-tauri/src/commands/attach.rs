//! Pictures into the data folder: dropped, pasted or picked; and back, to be shown.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use sidecar_host::RpcError;
use tauri::ipc::{InvokeBody, Request, Response};
use tauri::{State, Webview, WebviewWindow};
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

use super::{internal, on_disk};
use crate::attachment::{Attachment, Attachments};
use crate::offered::Offered;
use crate::preferences::{Language, Preferences};

/// The picture formats that the sidecar opens (sidecar/worker/decoding.py; a test compares), by the file name's ending.
const PICTURES: &[&str] = &["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif", "avif"];

#[tauri::command]
pub(crate) async fn attach_paths(
    webview: Webview,
    attachments: State<'_, Attachments>,
    offered: State<'_, Offered>,
    paths: Vec<PathBuf>,
) -> Result<Vec<Attachment>, RpcError> {
    for path in &paths {
        offered.check(webview.label(), path)?;
    }
    let kept = keep_files(attachments.inner().clone(), paths.clone()).await?;
    for path in &paths {
        offered.used(webview.label(), path);
    }
    Ok(kept)
}

#[tauri::command]
pub(crate) async fn attach_bytes(
    request: Request<'_>,
    attachments: State<'_, Attachments>,
) -> Result<Attachment, RpcError> {
    let InvokeBody::Raw(bytes) = request.body() else {
        return Err(RpcError::lasting("invalid_params", "attach_bytes takes the bytes themselves"));
    };
    let name = request.headers().get("x-name").and_then(|name| name.to_str().ok()).unwrap_or_default();
    let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
    let (attachments, bytes) = (attachments.inner().clone(), bytes.clone());
    on_disk(move || attachments.keep(bytes.as_slice(), &name)).await
}

#[tauri::command]
pub(crate) async fn attachment_bytes(attachments: State<'_, Attachments>, url: String) -> Result<Response, RpcError> {
    let attachments = attachments.inner().clone();
    on_disk(move || attachments.read(&url)).await.map(Response::new)
}

#[tauri::command]
pub(crate) async fn pick_pictures(
    window: WebviewWindow,
    attachments: State<'_, Attachments>,
    preferences: State<'_, Preferences>,
) -> Result<Vec<Attachment>, RpcError> {
    let (title, pictures) = match preferences.language() {
        Language::En => ("Attach pictures", "Pictures"),
        Language::Zh => ("添加图片", "图片"),
    };
    let (choose, chosen) = oneshot::channel();
    let endings = endings();
    let endings: Vec<_> = endings.iter().map(String::as_str).collect();
    let dialog = window.dialog().file().set_parent(&window).set_title(title).add_filter(pictures, &endings);
    dialog.pick_files(move |paths| {
        // The window may have closed meanwhile.
        let _ = choose.send(paths);
    });
    let chosen = chosen.await.map_err(internal)?.unwrap_or_default();
    let paths = chosen.into_iter().map(|path| path.into_path().map_err(internal)).collect::<Result<_, _>>()?;
    keep_files(attachments.inner().clone(), paths).await
}

/// Small and large: GTK's dialog takes them to the letter, and an iPhone writes IMG_0001.HEIC.
fn endings() -> Vec<String> {
    PICTURES.iter().flat_map(|ending| [(*ending).to_owned(), ending.to_uppercase()]).collect()
}

async fn keep_files(attachments: Attachments, paths: Vec<PathBuf>) -> Result<Vec<Attachment>, RpcError> {
    on_disk(move || paths.iter().map(|path| attachments.keep_file(path)).collect()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialog_offers_a_phones_photo_by_either_spelling() {
        for ending in ["heic", "HEIC", "JPG", "avif"] {
            assert!(endings().iter().any(|offered| offered == ending), "{ending}");
        }
    }
}
