//! The localhost proxy: other programs may ask only once the person has said so in the system's own dialog.

use sidecar_host::RpcError;
use tauri::{AppHandle, State, WebviewWindow};
use tokio::sync::Mutex;

use crate::clipboard;
use crate::consent::Person;
use crate::disk::unwritable;
use crate::localhost_proxy::{Choice, LocalhostProxy, Shown};
use crate::preferences::{Language, Preferences};
use crate::question::{AtWindow, Question};

#[tauri::command]
pub(crate) async fn proxy_state(proxy: State<'_, LocalhostProxy>) -> Result<Shown, RpcError> {
    Ok(proxy.shown().await)
}

/// One change at a time: what the person is asked depends on what there was before.
static CHANGING: Mutex<()> = Mutex::const_new(());

/// Switches it, or changes where it listens and which web pages may ask. Nothing changes where the person did not agree.
#[tauri::command]
pub(crate) async fn proxy_set(
    window: WebviewWindow,
    preferences: State<'_, Preferences>,
    proxy: State<'_, LocalhostProxy>,
    choice: Choice,
) -> Result<Shown, RpcError> {
    let (choice, person) = (choice.checked()?, AtWindow::of(&window));
    let _alone = CHANGING.lock().await;
    // Not what is kept: that may be more than there is, where less could not be.
    let before = proxy.choice().await;
    let mut come = choice.origins.iter().filter(|origin| !before.origins.contains(origin));
    let (new, more) = (come.next(), come.next());
    if more.is_some() {
        return Err(RpcError::lasting("invalid_params", "one further origin at a time: the person reads each"));
    }
    if let Some(origin) = new
        && !person.agrees(of_page(person.language(), origin)).await?
    {
        return Ok(proxy.shown().await);
    }
    let opens = Choice { origins: Vec::new(), ..choice.clone() }.lets_in_more_than(&before);
    if opens && !person.agrees(question(person.language())).await? {
        return Ok(proxy.shown().await);
    }
    // Whoever shall not ask any more does not, even where that cannot be kept; others may only where it is.
    let (narrows, widens) = (before.lets_in_more_than(&choice), choice.lets_in_more_than(&before));
    if narrows {
        proxy.choose(&if widens { Choice { on: false, ..before } } else { choice.clone() }).await;
    }
    let kept = preferences.set_proxy(&choice).map_err(unwritable);
    if kept.is_ok() {
        proxy.choose(&choice).await;
    }
    // Whoever switches it off waits for no keychain.
    if choice.on && (kept.is_ok() || narrows) {
        proxy.listen().await;
    }
    kept?;
    Ok(proxy.shown().await)
}

/// Puts the token on the clipboard; the page does not get to see it. `false` where there is none yet.
#[tauri::command]
pub(crate) async fn proxy_copy_token(app: AppHandle, proxy: State<'_, LocalhostProxy>) -> Result<bool, RpcError> {
    let Some(token) = proxy.token().await else { return Ok(false) };
    clipboard::copy(&app, token.expose()).await.map_err(super::internal)?;
    Ok(true)
}

#[tauri::command]
pub(crate) async fn proxy_renew_token(proxy: State<'_, LocalhostProxy>) -> Result<Shown, RpcError> {
    proxy.renew().await?;
    Ok(proxy.shown().await)
}

fn question(language: Language) -> Question {
    match language {
        Language::En => Question {
            title: "Let other programs ask?",
            text: "Programs on this computer that know the token can then have the model answer, and so use this computer's power. \
                   They see neither your chats nor your files. Other computers reach nothing.".into(),
            yes: "Allow",
            no: "Cancel",
        },
        Language::Zh => Question {
            title: "允许其他程序提问？",
            text: "这台电脑上知道令牌的程序将可以让模型回答，并因此占用这台电脑的算力。它们看不到你的对话和文件。其他电脑无法访问。".into(),
            yes: "允许",
            no: "取消",
        },
    }
}

fn of_page(language: Language, origin: &str) -> Question {
    match language {
        Language::En => Question {
            title: "Let pages of this address ask?",
            text: format!(
                "Where a page of this address knows the token, it can have the model answer from your browser:\n\n{origin}"
            ),
            yes: "Allow",
            no: "Cancel",
        },
        Language::Zh => Question {
            title: "允许来自这个地址的网页提问？",
            text: format!("来自以下地址的网页如果知道令牌，就可以通过你的浏览器让模型回答：\n\n{origin}"),
            yes: "允许",
            no: "取消",
        },
    }
}
