//! What lies on the disk beside what the sidecar counts, and erasing all of it.

use std::sync::Arc;

use keychain::Keys;
use serde::Serialize;
use sidecar_host::RpcError;
use tauri::{AppHandle, State, WebviewWindow};

use super::on_disk;
use crate::consent::Person;
use crate::data_folder::DataFolder;
use crate::disk::unwritable;
use crate::localhost_proxy::LocalhostProxy;
use crate::preferences::Language;
use crate::question::{AtWindow, Question};
use crate::relay::Relay;
use crate::{erasure, web_data};

/// Something of the app's that is not in its data folder.
#[derive(Debug, Serialize)]
pub(crate) struct Outside {
    place: String,
    /// On the disk.
    bytes: u64,
}

#[tauri::command]
pub(crate) async fn storage_outside() -> Result<Vec<Outside>, RpcError> {
    on_disk(|| {
        let there = web_data::outside().into_iter().filter(|place| place.exists());
        Ok(there.map(|place| Outside { bytes: web_data::size(&place), place: place.display().to_string() }).collect())
    })
    .await
}

/// The app leaves and takes all it has along, once the person has said so in a dialog that no page can answer; `false`
/// where they did not. Not while another program uses the data folder. The keys go first: if the keychain does not let them
/// go, nothing else does, unless the person wants it so (`without_keys`).
#[tauri::command]
pub(crate) async fn erase_everything(
    app: AppHandle,
    window: WebviewWindow,
    data: State<'_, DataFolder>,
    keys: State<'_, Arc<Keys>>,
    relay: State<'_, Relay>,
    proxy: State<'_, LocalhostProxy>,
    without_keys: bool,
) -> Result<bool, RpcError> {
    let person = AtWindow::of(&window);
    if !person.agrees(question(person.language(), without_keys)).await? {
        return Ok(false);
    }
    erasure::wait_for_others(&data, || relay.data_folder_holder()).await?;
    begin(&data, (!without_keys).then_some(&**keys), &proxy).await?;
    tracing::info!("everything is erased, as the person wants it");
    app.exit(0);
    Ok(true)
}

/// From here on there is no way back; where it fails the app goes on, without what the keychain had.
pub(crate) async fn begin(data: &DataFolder, keys: Option<&Keys>, proxy: &LocalhostProxy) -> Result<(), RpcError> {
    // A renewed token that waits for the keychain would come after what is erased there.
    let refusal = proxy.refuse_writes();
    if let Some(keys) = keys {
        keys.erase().await?;
        proxy.token_was_erased().await;
    }
    erasure::begin(data).map_err(unwritable)?;
    refusal.for_good();
    Ok(())
}

/// What is not erased is said, too: a page that was taken over could want the keys to stay.
fn question(language: Language, without_keys: bool) -> Question {
    let (title, text, stays, yes, no) = match language {
        Language::En => (
            "Erase everything?",
            "All that Knowledge Focus keeps on this computer is deleted, and the app closes. This cannot be undone.",
            "\n\nThe keys of your providers, and the token of other programs, stay in this computer's keychain.",
            "Erase",
            "Cancel",
        ),
        Language::Zh => (
            "抹掉所有内容？",
            "Knowledge Focus 保存在这台电脑上的所有内容都将被删除，应用随后关闭。此操作无法撤销。",
            "\n\n服务的密钥以及其他程序使用的令牌会留在这台电脑的钥匙串中。",
            "抹掉",
            "取消",
        ),
    };
    Question { title, text: format!("{text}{}", if without_keys { stays } else { "" }), yes, no }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_said_where_something_stays() {
        for (language, keychain) in [(Language::En, "keychain"), (Language::Zh, "钥匙串")] {
            assert!(question(language, true).text.contains(keychain));
            assert!(!question(language, false).text.contains(keychain));
        }
    }
}
